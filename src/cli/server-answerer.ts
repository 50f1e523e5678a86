/** Lets a server answer photos of this machine, several at once. */
import type { Limits } from '../core/config.ts'
import { checkPhotoSize, readPhotoFile } from '../images/read-photo-file.ts'
import type { Prediction } from '../serving/answer.ts'
import { foreign, openServer } from './ask-server.ts'
import type { PhotoAnswerer } from './run-predict.ts'
import type { ServerAddress } from './server-choice.ts'

/** Enough for a server of several cores to be busy while photos are on their way. */
const IN_FLIGHT = 8

export function openServerAnswerer(
  address: ServerAddress,
  { model, version }: { readonly model?: string; readonly version?: string },
  { photoBytes }: Limits,
): PhotoAnswerer {
  const server = openServer(address)
  /** The version that answered first, so that one answers for the whole command, as on this machine. */
  let pinned = version
  let first: Promise<unknown> | undefined

  async function send(source: string, bytes: Uint8Array, top: number): Promise<Prediction> {
    const { data } = await server.ask((client) =>
      client.predict(bytes as Uint8Array<ArrayBuffer>, { model, version: pinned, top }),
    )
    const [prediction] = Array.isArray(data) ? (data as unknown as readonly Prediction[]) : []
    if (prediction === undefined) throw foreign(address, 'other JSON than one prediction')
    if ('version' in prediction) pinned = prediction.version
    return { ...prediction, source }
  }

  return {
    concurrency: IN_FLIGHT,
    async predict(source, photo, top) {
      const bytes = typeof photo === 'string' ? readPhotoFile(photo, photoBytes) : photo
      checkPhotoSize(bytes.length, photoBytes)
      if (model === undefined) return send(source, bytes, top)
      while (pinned === undefined && first !== undefined) await first.catch(() => {})
      const answer = send(source, bytes, top)
      if (pinned === undefined) {
        first = answer
        const forget = () => {
          first = undefined
        }
        answer.then(forget, forget)
      }
      return answer
    },
    close: () => server.close(),
  }
}
