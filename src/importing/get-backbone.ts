/**
 * Gets a backbone: download, check, read in a process of its own, and only then its name.
 *
 *   <home>/backbones/.downloads/…       files of weights, and the parts of them that have arrived
 *   <home>/backbones/.work-<id>-…/      what is being made; of a killed process, removed by the next
 *   <home>/backbones/<id>/              the backbone, whole
 *
 * Every step can be done again, and the download is removed last, so that a killed run is continued by the next one.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { IMAGENET_LABELS } from '../backbones/imagenet-labels.ts'
import {
  type BackboneDescription,
  type BackboneSource,
  keepBackbone,
  keptBackbonesFolder,
  readKeptBackbone,
  type Workshop,
} from '../backbones/kept-backbones.ts'
import { VergerError } from '../core/errors.ts'
import { md5OfFile, sha256OfFile } from '../core/hashes.ts'
import { readChecksum, recordChecksum } from '../download/checksum-record.ts'
import { downloadFile } from '../download/download-file.ts'
import { importInProcess } from './import-process.ts'
import { IMPORTED_MODEL, type Imported } from './import-task.ts'
import { requireLabels } from './network-bundle.ts'
import type { BackbonePlan, WeightsOrigin } from './plan-backbone.ts'
import { hashSource, measureSource } from './source-hash.ts'

export interface GetBackboneOptions {
  /** Gets it again where it is there. */
  readonly force?: boolean
  /** Takes a file that differs from the one of the first time, or from the published one. */
  readonly acceptChange?: boolean
  readonly onProgress?: (done: number, total?: number) => void
  /** Called once the file is here and is about to be read. */
  readonly onRead?: (sizeBytes: number) => void
  /** What a person should know. */
  readonly onNote?: (note: string) => void
  readonly signal?: AbortSignal
  /** Of `downloadFile`. */
  readonly stallMs?: number
  readonly retryMs?: number
}

/** What a checksum was compared with: the publisher's, the one of the first time, or nothing, so that it is now recorded. */
export type WeightsCheck =
  | 'published'
  | 'same-as-before'
  | 'recorded'
  | 'accepted'
  /** A file of the user, which is not the published one. */
  | 'unpublished'
  | 'not-compared'

export interface GotBackbone {
  readonly backbone: BackboneDescription
  /** False where it was there already and nothing was done. */
  readonly isNew: boolean
  readonly check?: WeightsCheck
}

/**
 * Runs a plan. A second process that gets the same backbone waits for the first and then finds it there. Throws what
 * downloading, reading and writing throw; `checksum_mismatch`; `backbone_exists` where another file gave this backbone.
 */
export async function getBackbone(
  plan: BackbonePlan,
  home: string,
  options: GetBackboneOptions = {},
): Promise<GotBackbone> {
  const { onNote, signal } = options
  let there: BackboneDescription | undefined
  let check: WeightsCheck | undefined
  const made = await keepBackbone(
    home,
    plan.id,
    async (workshop) => {
      there = options.force === true ? undefined : await findThere(plan, home)
      if (there !== undefined) return undefined
      const result = await make(plan, home, workshop, { ...options, signal: workshop.signal })
      check = result.check
      return result.backbone
    },
    {
      onWait: () => onNote?.(`Another process is getting ${plan.id}, or was a moment ago; waiting`),
      signal,
    },
  )
  const backbone = made ?? there
  if (backbone === undefined) throw new RangeError('Expected a backbone that is there or was made')
  if (plan.origin.kind === 'url') await rm(plan.origin.path, { force: true })
  return { backbone, isNew: made !== undefined, ...(check === undefined ? {} : { check }) }
}

/** What is there already; undefined where it is damaged. Throws `backbone_exists` where it comes from another file. */
async function findThere(
  { id, origin }: BackbonePlan,
  home: string,
): Promise<BackboneDescription | undefined> {
  let there: BackboneDescription | undefined
  try {
    there = readKeptBackbone(home, id)
  } catch {
    return undefined
  }
  if (there === undefined || origin.kind === 'url') return there
  const received = await hashSource(origin.path, await measureSource(origin.path))
  if (received === there.source.sha256) return there
  throw new VergerError(
    'backbone_exists',
    `Expected the file from which ${id} was made (SHA-256 ${there.source.sha256.slice(0, 12)}…), received another (${received.slice(0, 12)}…)`,
    { hint: `Replace it with --force, or remove it first: verger backbones delete ${id}.` },
  )
}

async function make(
  plan: BackbonePlan,
  home: string,
  { folder, modelPath, signal }: Workshop,
  options: GetBackboneOptions,
): Promise<{ backbone: BackboneDescription; check: WeightsCheck }> {
  const { origin, architecture } = plan
  if (origin.kind === 'url') await fetchWeights(origin, plan, options)
  const measured = await measureSource(origin.path)
  const { sizeBytes } = measured
  options.onRead?.(sizeBytes)
  // One core reads while another one hashes; what the hash says comes first.
  const reading = new AbortController()
  const read = importInProcess(
    { path: origin.path, architecture, folder },
    { signal: AbortSignal.any([signal, reading.signal]) },
  )
  read.catch(() => {})
  let source: BackboneSource
  let check: WeightsCheck
  try {
    const location = origin.kind === 'url' ? origin.url : origin.path
    source = { location, sha256: await hashSource(origin.path, measured), sizeBytes }
    check = await compareChecksum(plan, home, source, options.acceptChange === true)
  } catch (error) {
    reading.abort(error)
    await read.catch(() => {})
    throw error
  }
  const imported = await read.catch((error: unknown) => dropUnreadable(origin, error))
  const labels = labelsOf(plan, imported)
  const createdAt = new Date().toISOString()
  if (origin.kind === 'url' && plan.md5 === undefined) {
    const { sha256 } = source
    const root = keptBackbonesFolder(home)
    await recordChecksum(root, origin.url, { sha256, sizeBytes, recordedAt: createdAt })
  }
  await rename(join(folder, IMPORTED_MODEL), modelPath)
  const { network, model, readAs, notes } = imported
  const { id, licence } = plan
  const facts = { format: 1, id, architecture, network, labels, model, source } as const
  return { backbone: { ...facts, licence, readAs, notes, createdAt }, check }
}

/** A download that cannot be read is not kept: it would fail again. */
async function dropUnreadable({ kind, path }: WeightsOrigin, error: unknown): Promise<never> {
  const isAtFault = error instanceof VergerError && error.code.startsWith('model_')
  if (isAtFault && kind === 'url') await rm(path, { force: true })
  throw error
}

/** The names that the user gives, else those of ImageNet where there are as many, else none. */
function labelsOf({ labels }: BackbonePlan, { network }: Imported): readonly string[] {
  if (labels !== undefined) {
    requireLabels(labels, network)
    return labels
  }
  return network.outputs['logits']?.width === IMAGENET_LABELS.length ? IMAGENET_LABELS : []
}

/** Downloads the file, unless an earlier run did and was stopped later. */
async function fetchWeights(
  { url, path }: Extract<WeightsOrigin, { kind: 'url' }>,
  { md5, sizeBytes = 0 }: BackbonePlan,
  options: GetBackboneOptions,
): Promise<void> {
  const { force, acceptChange, onNote, onProgress, signal, stallMs, retryMs } = options
  const isHere = await stat(path).then(
    () => true,
    () => false,
  )
  // What was refused because it had changed is kept for the run that accepts it.
  if (isHere && (force !== true || acceptChange === true)) {
    if (md5 === undefined || acceptChange === true || (await md5OfFile(path)) === md5) return
  }
  await rm(path, { force: true })
  if (url.startsWith('http:')) {
    onNote?.('Over http anybody on the way can change the file; prefer an https address')
  }
  await downloadFile({
    ...{ url, to: path, onNote, onProgress, signal },
    ...(acceptChange === true ? {} : { md5 }),
    // The network that is made of it is about as large.
    unpackFactor: sizeBytes > 0 ? 1 : 0,
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(retryMs === undefined ? {} : { retryMs }),
  })
}

async function compareChecksum(
  { origin, md5, id }: BackbonePlan,
  home: string,
  source: BackboneSource,
  isAccepted: boolean,
): Promise<WeightsCheck> {
  if (md5 !== undefined) {
    if ((await md5OfFile(origin.path)) === md5) return 'published'
    return origin.kind === 'file' ? 'unpublished' : 'accepted'
  }
  if (origin.kind === 'file') return 'not-compared'
  const recorded = await readChecksum(keptBackbonesFolder(home), origin.url)
  if (recorded === undefined) return 'recorded'
  if (recorded.sha256 === source.sha256) return 'same-as-before'
  if (isAccepted) return 'accepted'
  throw new VergerError(
    'checksum_mismatch',
    `Expected the SHA-256 ${recorded.sha256} (${recorded.sizeBytes} bytes) that was recorded on ${recorded.recordedAt.slice(0, 10)} for ${id}, received ${await sha256OfFile(origin.path)} (${source.sizeBytes} bytes) from ${origin.url}`,
    {
      hint: 'The publisher may have changed it. To take it as it is now, run the command again with --accept-change; nothing is downloaded again.',
      details: { expected: recorded.sha256, received: source.sha256 },
    },
  )
}
