import { readAccessToken } from './access-token.ts'
import { type Answer, readAnswer } from './answer.ts'

/** How many named bars a result shows. */
const TOP_COUNT = 5

/** Sends one photo to this page's own server; rejects only when `signal` is aborted. */
export async function predictPhoto(photo: File, signal: AbortSignal): Promise<Answer> {
  const token = readAccessToken()
  const headers = new Headers({ 'content-type': contentTypeOf(photo) })
  if (token) headers.set('authorization', `Bearer ${token}`)
  try {
    const url = `/predict?top=${TOP_COUNT}`
    const response = await fetch(url, { method: 'POST', headers, body: photo, signal })
    return await readAnswer(response, token !== undefined)
  } catch (error) {
    if (signal.aborted) throw error
    return { failure: { kind: (await isReadable(photo)) ? 'unreachable' : 'unreadable' } }
  }
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
