import { type Answer, readAnswer, readJson } from './answer.ts'
import { askServer } from './ask-server.ts'

/** How many named bars a result shows. */
const TOP_COUNT = 5

/** Sends one photo to a model, or to the network itself where none is named; rejects only when `signal` is aborted. */
export async function predictPhoto(
  photo: File,
  model: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const query = new URLSearchParams({ top: String(TOP_COUNT), ...(model && { model }) })
  const headers = { 'content-type': contentTypeOf(photo) }
  const { result, failure } = await askServer(
    `/predict?${query}`,
    { method: 'POST', headers, body: photo, signal },
    async (response) => readAnswer(await readJson(response), response.status),
  )
  if (result) return result
  const isLost = failure.kind === 'unreachable' && !(await isReadable(photo))
  return { failure: isLost ? { kind: 'unreadable' } : failure }
}

/** A file that is no image is sent as plain bytes too: the server's word on it is the one that helps. */
function contentTypeOf({ type }: File): string {
  return type.startsWith('image/') ? type : 'application/octet-stream'
}

/** `fetch` fails alike for a lost network and for a lost file; reading one byte tells which. */
async function isReadable(photo: File): Promise<boolean> {
  return await photo
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )
}
