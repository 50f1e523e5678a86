/** A whole classifier that was made elsewhere → a backbone of the home and a bundle on it. */
import { rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Backbone, findBackbone, toBackbone } from '../backbones/catalog.ts'
import { IMAGENET_LABELS } from '../backbones/imagenet-labels.ts'
import {
  type BackboneDescription,
  type BackboneSource,
  keepBackbone,
  readKeptBackbone,
  type Workshop,
} from '../backbones/kept-backbones.ts'
import { writeBundleFolder } from '../bundles/encode-bundle.ts'
import {
  type BundleFiles,
  bundleId,
  readBundleFolder,
  verifyBundle,
} from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { importInProcess } from './import-process.ts'
import { IMPORTED_MODEL, type Imported, type ScalingName } from './import-task.ts'
import { createNetworkBundle, requireLabels } from './network-bundle.ts'
import { hashSource, measureSource } from './source-hash.ts'

export interface ImportModelPlan {
  /** File or folder. */
  readonly path: string
  /** Where it comes from; by default its path. */
  readonly location?: string | undefined
  /** Names of the classes; by default those that the file tells. */
  readonly labels?: readonly string[] | undefined
  /** Takes the names of ImageNet, or numbers, where nobody tells the names of the classes. */
  readonly guessesLabels?: boolean
  readonly scaling?: ScalingName | undefined
  readonly licence?: string | undefined
}

export interface ImportModelContext {
  readonly home: string
  readonly limits: Limits
  /** Folder in which bundles are kept, so that a network that was imported before need not run for them again. */
  readonly bundles?: string
  readonly onNote?: (note: string) => void
  readonly signal?: AbortSignal
}

export interface ImportedModel {
  readonly backbone: BackboneDescription
  readonly files: BundleFiles
  readonly bundle: string
  readonly labels: readonly string[]
  /** False where this file was imported before. */
  readonly isNew: boolean
}

/**
 * Reads a classifier in a process of its own, runs it once, and keeps it as a backbone whose id is named by the file's
 * content. Nothing is kept where anything fails. Throws `model_invalid`, `model_unsupported`, `label_count_differs`,
 * `usage_invalid` where labels or scaling must be told, and what writing throws.
 */
export async function importModel(
  plan: ImportModelPlan,
  { home, limits, bundles, onNote, signal }: ImportModelContext,
): Promise<ImportedModel> {
  const path = wholeOf(plan.path)
  const measured = await measureSource(path)
  const source: BackboneSource = {
    location: plan.location ?? path,
    sha256: await hashSource(path, measured),
    sizeBytes: measured.sizeBytes,
  }
  const id = importedId(source, plan)
  let made: { readonly files: BundleFiles; readonly labels: readonly string[] } | undefined
  const fresh = await keepBackbone(
    home,
    id,
    async (workshop) => {
      if (isThere(home, id)) return undefined
      const { backbone, description } = await make({ ...plan, path }, id, source, home, workshop)
      const labels = chooseLabels(plan, description)
      made = { labels, files: await bundleOf(backbone, description, labels, limits) }
      workshop.signal.throwIfAborted()
      await rename(backbone.weights.path, workshop.modelPath)
      // What was guessed is not kept: the next one may know.
      return { ...description, labels: plan.labels ?? description.labels }
    },
    { onWait: () => onNote?.('Another process is importing this file; waiting'), signal },
  )
  const backbone = fresh ?? requireKept(home, id)
  const labels = made?.labels ?? chooseLabels(plan, backbone)
  const place = bundles === undefined ? undefined : join(bundles, bundleKey(id, labels))
  const files =
    made?.files ??
    (await readKeptBundle(place, backbone)) ??
    (await bundleOf(findBackbone(id, home), backbone, labels, limits))
  if (place !== undefined) await keepBundle(files, place)
  return { backbone, files, bundle: bundleId(files), labels, isNew: fresh !== undefined }
}

/** Files that have others beside them; the folder is what was meant. */
const MAIN_FILES = ['saved_model.pb', 'model.json']

const wholeOf = (path: string): string =>
  MAIN_FILES.includes(basename(path)) ? dirname(path) : path

/** Raised with every change to a reader that changes a number, so that what an older one made is not taken for it. */
const READERS = 1

/** The same file with the same scaling is the same backbone. */
function importedId({ sha256: hash }: BackboneSource, { scaling }: ImportModelPlan): string {
  const named = sha256(Buffer.from(`${hash} ${scaling ?? ''} ${READERS}`))
  return `import-${named.slice(0, 12)}`
}

/** A damaged one counts as none: it is made again. */
function isThere(home: string, id: string): boolean {
  try {
    return readKeptBackbone(home, id) !== undefined
  } catch {
    return false
  }
}

function requireKept(home: string, id: string): BackboneDescription {
  const kept = readKeptBackbone(home, id)
  if (kept !== undefined) return kept
  throw new RangeError(`Expected the backbone ${id}, which was there a moment ago`)
}

async function make(
  { path, scaling, licence = 'not stated' }: ImportModelPlan,
  id: string,
  source: BackboneSource,
  home: string,
  { folder, signal }: Workshop,
): Promise<{ backbone: Backbone; description: BackboneDescription }> {
  const imported: Imported = await importInProcess({ path, scaling, folder }, { signal })
  const { network, labels = [], model, readAs, notes } = imported
  const description: BackboneDescription = {
    ...{ format: 1, id, architecture: id, network, labels, model, source },
    ...{ licence, readAs, notes, createdAt: new Date().toISOString() },
  }
  const backbone = toBackbone(home, description)
  const weights = { ...backbone.weights, path: join(folder, IMPORTED_MODEL) }
  return { backbone: { ...backbone, weights }, description }
}

const bundleOf = (
  backbone: Backbone,
  { source, readAs, notes }: BackboneDescription,
  labels: readonly string[],
  limits: Limits,
): Promise<BundleFiles> =>
  createNetworkBundle(
    { backbone, labels, imported: { sha256: source.sha256, readAs, notes } },
    { limits },
  )

const bundleKey = (id: string, labels: readonly string[]): string =>
  `${id}-${sha256(Buffer.from(JSON.stringify(labels))).slice(0, 12)}`

/** The bundle that was kept for this network; undefined where there is none, or none that can be used. */
async function readKeptBundle(
  place: string | undefined,
  { model }: BackboneDescription,
): Promise<BundleFiles | undefined> {
  if (place === undefined) return undefined
  try {
    const files = await readBundleFolder(place)
    return verifyBundle(files).backbone.sha256 === model.sha256 ? files : undefined
  } catch {
    return undefined
  }
}

async function keepBundle(files: BundleFiles, place: string): Promise<void> {
  try {
    await writeBundleFolder(files, place)
  } catch (error) {
    // Another process was first, or it was there before.
    if (!(error instanceof VergerError) || error.code !== 'bundle_exists') throw error
  }
}

function chooseLabels(
  { labels, guessesLabels }: ImportModelPlan,
  { network, labels: told, readAs }: BackboneDescription,
): readonly string[] {
  const classes = network.outputs['logits']?.width ?? 0
  const named = labels ?? (told.length > 0 ? told : undefined)
  if (named !== undefined) {
    requireLabels(named, network)
    return named
  }
  if (guessesLabels === true) {
    if (classes === IMAGENET_LABELS.length) return IMAGENET_LABELS
    return Array.from({ length: classes }, (_, index) => String(index))
  }
  throw new VergerError(
    'usage_invalid',
    `Expected --labels: this file (${readAs}) does not name its ${classes} classes`,
    {
      hint: '--labels labels.txt with one a line in the order of the outputs, --labels a,b,c, or --labels imagenet.',
      details: { outputs: classes },
    },
  )
}
