/** Runs in a worker thread: photos → at the network's side, changed as they ask for. */
import { workerData } from 'piscina'
import { serializeError } from '../core/errors.ts'
import { augmentPixels } from '../images/augment.ts'
import { decodePhoto } from '../images/decode.ts'
import { checkPhotoSize, readPhotoFile } from '../images/read-photo-file.ts'
import type { HeldTask, WorkerReply } from '../tensor/worker-pool.ts'
import type { AugmentTask, AugmentWorkerData, PhotoToAugment } from './augmented-photos.ts'
import { checkUnchanged } from './check-unchanged.ts'

function createHandler({ size, maxPixels, maxPhotoBytes }: AugmentWorkerData) {
  /** Levels `[size, size, 3]`. */
  async function augment({ photo, sha256, augmentation }: PhotoToAugment): Promise<Uint8Array> {
    const bytes = typeof photo === 'string' ? readPhotoFile(photo, maxPhotoBytes) : photo
    checkPhotoSize(bytes.length, maxPhotoBytes)
    checkUnchanged(photo, bytes, sha256)
    const decoded = await decodePhoto(bytes, { size, maxPixels })
    return augmentPixels(decoded, augmentation, size).data
  }

  return async ({
    task: { photos, levels },
  }: HeldTask<AugmentTask>): Promise<WorkerReply<null>> => {
    try {
      for (const [place, photo] of photos.entries()) {
        levels.set(await augment(photo), place * size * size * 3)
      }
      return { result: null }
    } catch (error) {
      return { error: serializeError(error) }
    }
  }
}

export default createHandler(workerData)
