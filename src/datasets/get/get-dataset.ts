/**
 * Gets a dataset: download, check, unpack, arrange, and only then its name.
 *
 *   <home>/datasets/.downloads/…   archives, and the parts of them that have arrived
 *   <home>/datasets/.new-<name>/   what is being made; of a killed process, removed by the next
 *   <home>/datasets/.old-<name>/   what is being replaced; put back by the next where its name is free
 *   <home>/datasets/<name>/        `dataset.json` and `files/`, whole
 *
 * Every step can be done again, and the archive is removed last, so that a killed run is continued by the next one.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { unpackArchive } from '../../archives/unpack-archive.ts'
import {
  createFolder,
  removeStaleTemporaries,
  syncFolder,
  toWriteError,
  writeFileAtomic,
} from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { sha256OfFile } from '../../core/hashes.ts'
import { readChecksum, recordChecksum } from '../../download/checksum-record.ts'
import { type Download, downloadFile } from '../../download/download-file.ts'
import { withLock } from '../../download/file-lock.ts'
import { type GotDataset, readGotDataset } from '../got-dataset.ts'
import { type ArrangedPhotos, arrangePhotos } from './arrange-photos.ts'
import type { DatasetPlan, FileOrigin, UrlOrigin } from './plan-dataset.ts'

export const GET_STAGES = ['download', 'unpack', 'compose'] as const
export type GetStage = (typeof GET_STAGES)[number]

export interface GetOptions {
  /** Gets it again where it is there. */
  readonly force?: boolean
  /** Takes an archive that differs from the one of the first time. */
  readonly acceptChange?: boolean
  /** Bytes while downloading and unpacking, photos while composing. */
  readonly onProgress?: (stage: GetStage, done: number, total?: number) => void
  /** What a person should know. */
  readonly onNote?: (note: string) => void
  readonly signal?: AbortSignal
  /** Of `downloadFile`. */
  readonly stallMs?: number
  readonly retryMs?: number
}

export interface GetResult {
  readonly dataset: GotDataset
  readonly folder: string
  /** False where it was there already and nothing was done. */
  readonly isNew: boolean
  /** Photos in it; unknown where it was there already. */
  readonly photos?: number
  readonly checksum?: ChecksumOrigin
}

/** What a checksum was compared with: the publisher's, the one of the first time, or nothing, so that it is now recorded. */
export type ChecksumOrigin =
  | 'published'
  | 'same-as-before'
  | 'recorded'
  | 'accepted'
  | 'not-compared'

/** Photos hardly shrink in an archive; the rest is for names and blocks of the file system. */
const UNPACK_FACTOR = 1.1

/**
 * Runs a plan. A second process that gets the same dataset waits for the first and then finds it there. Throws what
 * downloading, unpacking and writing throw, and `checksum_mismatch` where the archive differs from the one recorded.
 */
export async function getDataset(
  plan: DatasetPlan,
  home: string,
  options: GetOptions = {},
): Promise<GetResult> {
  const datasets = join(home, 'datasets')
  await createFolder(datasets)
  const { onNote, signal } = options
  const onWait = () =>
    onNote?.(`Another process is getting ${plan.name}, or was a moment ago; waiting`)
  return withLock(
    join(datasets, `.${plan.name}.lock`),
    async (held) => {
      const workshop = await prepare(datasets, plan)
      try {
        const there = await readGotDataset(home, plan.name).catch(() => undefined)
        if (there !== undefined && options.force !== true) {
          return { dataset: there, folder: plan.folder, isNew: false }
        }
        if (there === undefined && options.force !== true && (await exists(plan.folder))) {
          throw foreignFolder(plan.folder)
        }
        return await make(plan, datasets, workshop, { ...options, signal: held })
      } finally {
        await rm(workshop.making, { recursive: true, force: true })
      }
    },
    { onWait, signal },
  )
}

interface Workshop {
  readonly making: string
  readonly replaced: string
}

/** Clears what a killed process has left. */
async function prepare(datasets: string, { name, folder }: DatasetPlan): Promise<Workshop> {
  const making = join(datasets, `.new-${name}`)
  const replaced = join(datasets, `.old-${name}`)
  await removeStaleTemporaries(datasets)
  const isThere = await exists(folder)
  if (!isThere && (await exists(replaced))) await rename(replaced, folder)
  await rm(replaced, { recursive: true, force: true })
  await rm(making, { recursive: true, force: true })
  return { making, replaced }
}

async function make(
  plan: DatasetPlan,
  datasets: string,
  { making, replaced }: Workshop,
  options: GetOptions & { readonly signal: AbortSignal },
): Promise<GetResult> {
  const files = join(making, 'files')
  const { origin } = plan
  const made =
    origin.kind === 'composed'
      ? await compose(files, options)
      : await fetchAndUnpack({ ...plan, origin }, datasets, files, options)
  const dataset: GotDataset & { readonly sizeBytes?: number } = {
    name: plan.name,
    title: plan.title,
    licence: plan.licence,
    source: sourceOf(plan),
    photos: relative(making, made.photos.path).split(sep).join('/'),
    ...(made.archive === undefined
      ? {}
      : { sha256: made.archive.sha256, sizeBytes: made.archive.sizeBytes }),
    createdAt: new Date().toISOString(),
  }
  await writeFileAtomic(join(making, 'dataset.json'), `${JSON.stringify(dataset, null, 2)}\n`)
  if (origin.kind === 'url' && made.archive !== undefined && plan.sha256 === undefined) {
    const { sha256, sizeBytes } = made.archive
    const recordedAt = dataset.createdAt
    await recordChecksum(datasets, origin.url, { sha256, sizeBytes, recordedAt })
  }
  options.signal.throwIfAborted()
  await replace(making, plan.folder, replaced)
  if (origin.kind === 'url') await rm(origin.archive, { force: true })
  return {
    ...{ dataset, folder: plan.folder, isNew: true, photos: made.photos.count },
    ...(made.checksum === undefined ? {} : { checksum: made.checksum }),
  }
}

function sourceOf({ origin }: Pick<DatasetPlan, 'origin'>): string {
  if (origin.kind === 'url') return origin.url
  return origin.kind === 'file' ? origin.file : 'composed by Verger'
}

interface Made {
  readonly photos: ArrangedPhotos
  readonly archive?: Download
  readonly checksum?: ChecksumOrigin
}

async function compose(files: string, { onProgress }: GetOptions): Promise<Made> {
  const { createSampleFruits } = await import('../sample-fruits/create-sample-fruits.ts')
  const { photos: count, manifestPath: path } = await createSampleFruits(files, {
    onProgress: (done, total) => onProgress?.('compose', done, total),
  })
  return { photos: { path, count } }
}

/** A plan that has an archive. */
type ArchivePlan = DatasetPlan & { readonly origin: FileOrigin | UrlOrigin }

async function fetchAndUnpack(
  plan: ArchivePlan,
  datasets: string,
  files: string,
  options: GetOptions & { readonly signal: AbortSignal },
): Promise<Made> {
  const { origin } = plan
  const file = origin.kind === 'file' ? origin.file : origin.archive
  const archive =
    origin.kind === 'file'
      ? await describeFile(file)
      : await fetchArchive({ ...plan, origin }, options)
  const checksum = await compareChecksum(plan, datasets, archive, options.acceptChange === true)
  await mkdir(dirname(files), { recursive: true })
  try {
    const { signal, onProgress } = options
    await unpackArchive(file, files, {
      signal,
      onProgress: (done, total) => onProgress?.('unpack', done, total),
    })
    return { photos: await arrangePhotos(files, plan.layout), archive, checksum }
  } catch (error) {
    // Kept, it would fail again; a full disk is not its fault.
    const isAtFault = error instanceof VergerError && AT_FAULT.includes(error.code)
    if (isAtFault && origin.kind === 'url') await rm(file, { force: true })
    throw error
  }
}

const AT_FAULT = ['archive_invalid', 'archive_unsafe', 'no_photo']

/** Downloads the archive, unless an earlier run did and was stopped later. */
async function fetchArchive(
  { origin, sha256, sizeBytes }: DatasetPlan & { readonly origin: UrlOrigin },
  options: GetOptions,
): Promise<Download> {
  const { archive } = origin
  const { onProgress, onNote, signal, stallMs, retryMs } = options
  // What was refused because it had changed is kept for the run that accepts it.
  const isWelcome = options.force !== true || options.acceptChange === true
  if (isWelcome && (await exists(archive))) {
    const here = await describeFile(archive)
    if (sha256 === undefined || here.sha256 === sha256) return here
  }
  await rm(archive, { force: true })
  if (origin.url.startsWith('http:')) {
    onNote?.('Over http anybody on the way can change the file; prefer an https address')
  }
  return downloadFile({
    ...{ url: origin.url, to: archive, sha256, expectedBytes: sizeBytes, onNote, signal },
    ...{ unpackFactor: UNPACK_FACTOR },
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(retryMs === undefined ? {} : { retryMs }),
    onProgress: (done, total) => onProgress?.('download', done, total),
  })
}

async function describeFile(file: string): Promise<Download> {
  try {
    return { sha256: await sha256OfFile(file), sizeBytes: (await stat(file)).size }
  } catch (cause) {
    const { message } = cause as Error
    throw new VergerError(
      'archive_invalid',
      `Expected an archive at ${file}, received ${message}`,
      {
        hint: 'Check the path and that you may read the file.',
        cause,
      },
    )
  }
}

async function compareChecksum(
  { origin, sha256: published }: ArchivePlan,
  datasets: string,
  archive: Download,
  isAccepted: boolean,
): Promise<ChecksumOrigin> {
  const what = `${archive.sha256} (${archive.sizeBytes} bytes)`
  if (published !== undefined) {
    if (published === archive.sha256) return 'published'
    if (isAccepted) return 'accepted'
    throw new VergerError(
      'checksum_mismatch',
      `Expected the SHA-256 ${published} that the publisher states, received ${what} of ${sourceOf({ origin })}`,
      { hint: 'If you know why the file differs (packed anew, say), add --accept-change.' },
    )
  }
  if (origin.kind !== 'url') return 'not-compared'
  const recorded = await readChecksum(datasets, origin.url)
  if (recorded === undefined) return 'recorded'
  if (recorded.sha256 === archive.sha256) return 'same-as-before'
  if (isAccepted) return 'accepted'
  throw new VergerError(
    'checksum_mismatch',
    `Expected the SHA-256 ${recorded.sha256} (${recorded.sizeBytes} bytes) that was recorded on ${recorded.recordedAt.slice(0, 10)}, received ${what} from ${origin.url}`,
    {
      hint: 'The publisher may have changed it. To take it as it is now, run the command again with --accept-change; nothing is downloaded again.',
      details: { expected: recorded.sha256, received: archive.sha256 },
    },
  )
}

function foreignFolder(folder: string): VergerError {
  return new VergerError(
    'dataset_invalid',
    `Expected no folder or a dataset at ${folder}, found a folder without a dataset.json that can be read`,
    { hint: 'Move it away, or replace it with --force. For another name: --name.' },
  )
}

async function replace(making: string, folder: string, replaced: string): Promise<void> {
  try {
    if (await exists(folder)) await rename(folder, replaced)
    await rename(making, folder)
    await syncFolder(dirname(folder))
    await rm(replaced, { recursive: true, force: true })
  } catch (error) {
    throw toWriteError(error, folder)
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
