/** Reads every photo of a dataset once: its hash, its size, and whether it can be read at all. */
import pMap from 'p-map'
import type { Limits } from '../core/config.ts'
import { deserializeError, serializeError, VergerError } from '../core/errors.ts'
import { WorkerPool } from '../tensor/worker-pool.ts'
import { brokenFinding } from './broken-finding.ts'
import type { Candidate, PhotoContent } from './candidates.ts'
import { findDatasetFaults } from './dataset-faults.ts'
import type { Finding } from './findings.ts'
import { type DatasetPhoto, manifestId } from './manifest.ts'
import type { ReadOptions } from './read-photo-facts.ts'
import type { ScanReply } from './scan-worker.ts'
import type { DatasetSource } from './source.ts'

export interface ScanOptions {
  readonly workers: number
  readonly limits: Pick<Limits, 'photoBytes' | 'photoPixels'>
  /** Decodes every photo to find broken ones; otherwise only headers are looked at. */
  readonly decode: boolean
  /** Told how many photos were read since it was told last. */
  readonly onProgress?: (read: number) => void
  readonly signal?: AbortSignal
}

/** A photo that was read, and how to get at it again. */
export interface ScannedPhoto extends DatasetPhoto {
  readonly load: PhotoContent
}

/** A dataset whose every photo was read. */
export interface ScannedDataset extends Pick<DatasetSource, 'name' | 'source' | 'root'> {
  /** Id of the dataset version: hash of the manifest. */
  readonly id: string
  /** Those that can be read, by path in the order of code points. */
  readonly photos: readonly ScannedPhoto[]
  readonly findings: readonly Finding[]
  readonly sizeBytes: number
}

/** Photos that go to a worker together: the way there and back costs as much as reading a small one. */
const CHUNK = 16

/** Far beyond what sixteen photos take, however large: a worker that is silent so long is lost. */
const STUCK_AFTER_MS = 120_000

/** Chunks in flight per worker: one that runs and one that waits. */
const IN_FLIGHT_PER_WORKER = 2

/**
 * Reads the photos of a dataset in worker threads. What cannot be read becomes a finding and is left out; `photos` may
 * therefore be empty. Rejects with the reason of `signal` when it is aborted.
 */
export async function scanDataset(
  dataset: DatasetSource,
  { workers, limits, decode, onProgress, signal }: ScanOptions,
): Promise<ScannedDataset> {
  const workerData: ReadOptions = { limits, decode }
  const pool = new WorkerPool<readonly Content[], ScanReply>({
    entry: new URL('./scan-worker.js', import.meta.url),
    threads: workers,
    workerData,
    timeoutMs: STUCK_AFTER_MS,
    maxWaiting: workers * IN_FLIGHT_PER_WORKER * CHUNK,
  })
  try {
    const read = async (chunk: readonly Candidate[]) => {
      const replies = await readChunk(pool, chunk, signal)
      onProgress?.(chunk.length)
      return replies
    }
    const replies = await pMap(chunksOf(dataset.candidates), read, {
      concurrency: workers * IN_FLIGHT_PER_WORKER,
      ...(signal === undefined ? {} : { signal }),
    })
    return summarise(dataset, replies.flat())
  } finally {
    await pool.close()
  }
}

function* chunksOf(candidates: readonly Candidate[]): Generator<readonly Candidate[]> {
  for (let start = 0; start < candidates.length; start += CHUNK) {
    yield candidates.slice(start, start + CHUNK)
  }
}

/** What goes to a worker: the path of a photo, or its bytes. */
type Content = string | Uint8Array

/** A worker that dies or hangs says not over which photo: each is then tried alone. */
async function readChunk(
  pool: WorkerPool<readonly Content[], ScanReply>,
  chunk: readonly Candidate[],
  signal: AbortSignal | undefined,
): Promise<ScanReply> {
  const loaded = await Promise.all(chunk.map(loadContent))
  const contents = loaded.filter((each): each is Content => !(each instanceof VergerError))
  try {
    const read = await pool.run(contents, signal === undefined ? {} : { signal })
    const replies = read.values()
    return loaded.flatMap((each) =>
      each instanceof VergerError ? { error: serializeError(each) } : (replies.next().value ?? []),
    )
  } catch (error) {
    const isLost =
      error instanceof VergerError && ['worker_crashed', 'worker_stuck'].includes(error.code)
    if (!isLost) throw error
    if (chunk.length === 1) return [{ error: serializeError(error) }]
    const replies: ScanReply[] = []
    for (const candidate of chunk) replies.push(await readChunk(pool, [candidate], signal))
    return replies.flat()
  }
}

/** A stored photo that is damaged or gone is an answer, as a file that cannot be read is. */
async function loadContent({ load }: Candidate): Promise<Content | VergerError> {
  if (typeof load === 'string') return load
  try {
    return await load()
  } catch (error) {
    if (error instanceof VergerError && error.code.startsWith('blob_')) return error
    throw error
  }
}

function summarise(
  { name, source, root, candidates, findings }: DatasetSource,
  replies: ScanReply,
): ScannedDataset {
  const photos: ScannedPhoto[] = []
  const broken: Finding[] = []
  let sizeBytes = 0
  for (const [index, { path, load, label, split, group }] of candidates.entries()) {
    const reply = replies[index]
    if (reply === undefined) throw new Error(`Expected an answer for ${path}, received none`)
    if ('error' in reply) {
      broken.push(brokenFinding(path, deserializeError(reply.error), label))
      continue
    }
    sizeBytes += reply.sizeBytes
    photos.push({
      ...{ path, load, ...reply, label },
      ...(split === undefined ? {} : { split }),
      ...(group === undefined ? {} : { group }),
    })
  }
  const labels = new Set(candidates.map(({ label }) => label))
  return {
    ...{ name, source, root, id: manifestId(photos), photos, sizeBytes },
    findings: [...findings, ...broken, ...findDatasetFaults(photos, labels)],
  }
}
