/** Runs in a worker thread: one photo → decoded pixels → the outputs of the network. Holds one session. */
import { readFileSync, statSync } from 'node:fs'
import { workerData } from 'piscina'
import { serializeError, VergerError } from '../core/errors.ts'
import { decodePhoto } from '../images/decode.ts'
import { loadSession } from '../tensor/session.ts'
import type { WorkerReply } from '../tensor/worker-pool.ts'
import type { FeaturizerTask, FeaturizerWorkerData, PhotoOutputs } from './featurizer.ts'

async function createHandler({ modelPath, decode, maxPhotoBytes }: FeaturizerWorkerData) {
  const session = await loadSession(modelPath)

  async function featurize({ photo, outputs }: FeaturizerTask): Promise<PhotoOutputs> {
    const bytes = typeof photo === 'string' ? readPhoto(photo, maxPhotoBytes) : photo
    checkSize(bytes.length, maxPhotoBytes)
    const { data, width, height } = await decodePhoto(bytes, decode)
    return session.run({ data, dims: [1, height, width, 3] }, outputs)
  }

  return async (task: FeaturizerTask): Promise<WorkerReply<PhotoOutputs>> => {
    try {
      return { result: await featurize(task) }
    } catch (error) {
      return { error: serializeError(error) }
    }
  }
}

/** Reads in one go: a worker has nothing else to do, and a synchronous read costs a twentieth of an asynchronous one. */
function readPhoto(path: string, maxBytes: number): Uint8Array {
  try {
    const stats = statSync(path)
    if (!stats.isFile() && !stats.isFIFO()) {
      throw new VergerError(
        'photo_unreadable',
        `Expected a file at ${path}, received something else`,
        {
          hint: 'Name a photo, or a folder that holds photos.',
        },
      )
    }
    checkSize(stats.size, maxBytes)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof VergerError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new VergerError('photo_not_found', `Expected a photo at ${path}, found nothing`, {
        hint: 'Check the path; names with spaces need quotes.',
        cause: error,
      })
    }
    throw new VergerError('photo_unreadable', `Expected a readable photo, received ${message}`, {
      hint: 'Check the permissions of the file and of the folders above it.',
      cause: error,
    })
  }
}

function checkSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return
  throw new VergerError(
    'photo_too_large',
    `Expected a photo of at most ${maxBytes} bytes, received ${sizeBytes}`,
    {
      hint: 'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.',
      details: { sizeBytes, maxBytes },
    },
  )
}

export default createHandler(workerData)
