/** Runs in a worker thread: paths or bytes → what their photos are. A photo that cannot be read is an answer, not a failure. */
import { workerData } from 'piscina'
import { type ErrorMessage, serializeError } from '../core/errors.ts'
import type { HeldTask, WorkerReply } from '../tensor/worker-pool.ts'
import { type PhotoFacts, type ReadOptions, readPhotoFacts } from './read-photo-facts.ts'

export type ScanReply = readonly (PhotoFacts | { readonly error: ErrorMessage })[]

const options: ReadOptions = workerData

export default async function scan({
  task: photos,
}: HeldTask<readonly (string | Uint8Array)[]>): Promise<WorkerReply<ScanReply>> {
  const result: (PhotoFacts | { readonly error: ErrorMessage })[] = []
  for (const photo of photos) {
    result.push(
      await readPhotoFacts(photo, options).catch((error: unknown) => ({
        error: serializeError(error),
      })),
    )
  }
  return { result }
}
