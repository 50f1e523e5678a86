/** Runs in a worker thread: one photo → decoded pixels → the outputs of the network. Holds one session. */
import { readFileSync } from 'node:fs'
import { workerData } from 'piscina'
import { serializeError } from '../core/errors.ts'
import { type DecodeOptions, decodePhoto, mirrorPixels, type Pixels } from '../images/decode.ts'
import { takePixels } from '../images/decoded-pixels.ts'
import { checkPhotoSize, readPhotoFile } from '../images/read-photo-file.ts'
import { squashPixels } from '../images/squash.ts'
import { loadSession, type Session } from '../tensor/session.ts'
import type { HeldTask, WorkerReply } from '../tensor/worker-pool.ts'
import { checkUnchanged } from './check-unchanged.ts'
import type { FeaturizerTask, FeaturizerWorkerData, Photo, PhotoOutputs } from './featurizer.ts'

/** The network's own side is loaded from the file as it is; what writes graphs is loaded for others alone. */
async function openSession(
  { modelPath, network }: FeaturizerWorkerData,
  size: number,
  threads: number,
) {
  if (size === network.input.size) return loadSession(modelPath, threads)
  const { resizeInferenceGraph } = await import('./inference-graph.ts')
  return loadSession(resizeInferenceGraph(readFileSync(modelPath), network, size), threads)
}

async function createHandler(data: FeaturizerWorkerData) {
  const sessions = new Map<string, Promise<Session>>()
  /** The session of a side: one thread computes, or several for a photo that is alone. */
  function sessionFor(size: number, isAlone = false): Promise<Session> {
    const threads = isAlone ? data.threadsAlone : 1
    const key = `${size} ${threads}`
    let session = sessions.get(key)
    if (session === undefined) {
      session = openSession(data, size, threads)
      sessions.set(key, session)
    }
    return session
  }
  await sessionFor(data.network.input.size)

  async function featurize(
    { photo, outputs, views, sha256: wanted }: FeaturizerTask,
    isAlone: boolean,
  ) {
    const read = openPhoto(photo, wanted)
    const results: PhotoOutputs[] = []
    const decoded = new Map<number, Pixels>()
    for (const { size, mirrored } of views) {
      const upright = decoded.get(size) ?? (await read({ size, maxPixels: data.maxPixels }))
      decoded.set(size, upright)
      const { data: levels } = squashPixels(mirrored ? mirrorPixels(upright) : upright, size)
      const session = await sessionFor(size, isAlone)
      results.push(await session.run({ data: levels, dims: [1, size, size, 3] }, outputs))
    }
    return results
  }

  function openPhoto(photo: Photo, wanted: string | undefined) {
    if (isPixels(photo)) return (options: DecodeOptions) => takePixels(photo, options)
    const bytes = typeof photo === 'string' ? readPhotoFile(photo, data.maxPhotoBytes) : photo
    checkPhotoSize(bytes.length, data.maxPhotoBytes)
    if (wanted !== undefined) checkUnchanged(photo, bytes, wanted)
    return (options: DecodeOptions) => decodePhoto(bytes, options)
  }

  return async ({
    task,
    isAlone,
  }: HeldTask<FeaturizerTask>): Promise<WorkerReply<readonly PhotoOutputs[]>> => {
    try {
      return { result: await featurize(task, isAlone) }
    } catch (error) {
      return { error: serializeError(error) }
    }
  }
}

const isPixels = (photo: Photo): photo is Pixels =>
  typeof photo !== 'string' && !(photo instanceof Uint8Array)

export default createHandler(workerData)
