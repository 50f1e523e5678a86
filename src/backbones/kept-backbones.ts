/**
 * Backbones beside the shipped one, each in a folder of the home that appears only when it is whole:
 *
 *   <home>/backbones/<id>/model.onnx      the inference model
 *   <home>/backbones/<id>/backbone.json   what it is, where it came from, and the hash of the model
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder, syncFolder, toWriteError, writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { type LockOptions, withLock } from '../download/file-lock.ts'
import type { LayerId, Network } from '../tensor/network.ts'
import { findNetworkFault } from '../tensor/network-faults.ts'
import type { ValueRange } from '../tensor/quantize.ts'

/** `backbone.json`. */
export interface BackboneDescription {
  readonly format: 1
  readonly id: string
  /** Name of its architecture; of an imported network, its own id. */
  readonly architecture: string
  readonly network: Network
  /** Names of the classes of its own classifier; none where it has no classifier, or nobody named them. */
  readonly labels: readonly string[]
  readonly model: { readonly sha256: string; readonly sizeBytes: number }
  readonly source: BackboneSource
  readonly licence: string
  /** The format that was read, in words. */
  readonly readAs: string
  /** What was recognised, replaced or left out. */
  readonly notes: readonly string[]
  /** Where it computes in 8 bit: what it was made from. */
  readonly quantization?: Quantization
  /** ISO 8601. */
  readonly createdAt: string
}

/** What an 8-bit model was made from, so that it can be written again, e.g. into an export. */
export interface Quantization {
  /** Id of the backbone in float32. */
  readonly from: string
  readonly observed: {
    readonly input: ValueRange
    readonly layers: readonly ValueRange[]
    /** Layers and the means of their channels. */
    readonly means: readonly (readonly [LayerId, readonly number[]])[]
  }
}

/** The file that was read. */
export interface BackboneSource {
  /** Its URL, or its path on the machine that read it. */
  readonly location: string
  readonly sha256: string
  readonly sizeBytes: number
}

/** Names of the two files of a backbone. */
export const DESCRIPTION = 'backbone.json'
export const MODEL = 'model.onnx'
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whether a text may be the id of a backbone, and so the name of its folder. */
export const isBackboneId = (id: string): boolean => ID.test(id)

export const keptBackbonesFolder = (home: string): string => join(home, 'backbones')

/** Where files of weights lie until they are read. */
export const downloadsFolder = (home: string): string =>
  join(keptBackbonesFolder(home), '.downloads')

/** Path of the inference model of a backbone that is kept. */
export const keptModelPath = (home: string, id: string): string =>
  join(keptBackbonesFolder(home), id, MODEL)

/** Ids of the backbones of a home, in order; damaged ones too. */
export function listKeptIds(home: string): string[] {
  try {
    return readdirSync(keptBackbonesFolder(home)).filter(isBackboneId).sort()
  } catch (error) {
    // Where the home itself is no folder, other commands say so.
    if (isAbsent(error)) return []
    throw damagedBackbone(`Expected a folder of backbones at ${keptBackbonesFolder(home)}`, error)
  }
}

/** Reads a description, or gives undefined where the home has no such backbone. Throws `backbone_damaged`. */
export function readKeptBackbone(home: string, id: string): BackboneDescription | undefined {
  if (!isBackboneId(id)) return undefined
  const path = join(keptBackbonesFolder(home), id, DESCRIPTION)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw damagedBackbone(`Expected the description of ${id} at ${path}`, error)
  }
  return parseDescription(text, id, path)
}

/** Throws `backbone_damaged` naming the place where the text comes from. */
export function parseDescription(text: string, id: string, place: string): BackboneDescription {
  const fault = findFault(text, id)
  if (fault === undefined) return JSON.parse(text) as BackboneDescription
  throw damagedBackbone(`Expected the description of ${id} at ${place}, received ${fault}`)
}

/** What `keepBackbone` gives to the work that makes a backbone. */
export interface Workshop {
  /** Temporary folder on the file system of the home. */
  readonly folder: string
  /** Where the model is to lie when the work is done. */
  readonly modelPath: string
  /** Aborts where the lock is lost, or where the caller's own signal does. */
  readonly signal: AbortSignal
}

/**
 * Puts a backbone into the home; of the same id, the new one replaces the old one. `make` writes the model and describes
 * it, or gives undefined where nothing is to be done. One process at a time makes a backbone of an id, and one that is
 * killed leaves the old one, or none. Throws `disk_full`, `write_failed`, or what `make` throws.
 */
export async function keepBackbone(
  home: string,
  id: string,
  make: (workshop: Workshop) => Promise<BackboneDescription | undefined>,
  options: LockOptions = {},
): Promise<BackboneDescription | undefined> {
  const folder = join(keptBackbonesFolder(home), id)
  return changeFolder(
    home,
    id,
    async (temporary, signal) => {
      const made = join(temporary, 'made')
      await mkdir(made)
      const description = await make({ folder: temporary, modelPath: join(made, MODEL), signal })
      if (description === undefined) return undefined
      await writeFileAtomic(join(made, DESCRIPTION), `${JSON.stringify(description)}\n`)
      signal.throwIfAborted()
      const replaced = `${temporary}-old`
      await rename(folder, replaced).catch(ignoreAbsent)
      await rename(made, folder)
      await rm(replaced, { recursive: true, force: true })
      return description
    },
    options,
  )
}

/** Puts a backbone whose model is in memory into the home, like `keepBackbone`. */
export async function keepModel(
  home: string,
  description: BackboneDescription,
  model: Uint8Array,
): Promise<void> {
  await keepBackbone(home, description.id, async ({ modelPath }) => {
    await writeFileAtomic(modelPath, model)
    return description
  })
}

/** Removes a backbone from the home at once; whoever has its model open goes on. Throws `write_failed`. */
export async function deleteKeptBackbone(home: string, id: string): Promise<void> {
  const folder = join(keptBackbonesFolder(home), id)
  await changeFolder(home, id, async (temporary) => {
    await rename(folder, join(temporary, id)).catch(ignoreAbsent)
  })
}

/** Folders in which backbones are being made or removed: of one process at a time, and of killed ones. */
const WORKSHOP = '.work-'

/** Runs `change` with a temporary folder of its own, alone among all processes that change this backbone. */
async function changeFolder<Result>(
  home: string,
  id: string,
  change: (temporary: string, signal: AbortSignal) => Promise<Result>,
  options?: LockOptions,
): Promise<Result> {
  const root = keptBackbonesFolder(home)
  await createFolder(root)
  return withLock(
    join(root, `.${id}.lock`),
    async (signal) => {
      await putBack(root, id)
      const temporary = await mkdtemp(join(root, `${WORKSHOP}${id}-`))
      try {
        const result = await change(temporary, signal)
        await syncFolder(root)
        return result
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw toWriteError(error, join(root, id))
      } finally {
        await rm(temporary, { recursive: true, force: true })
      }
    },
    options,
  )
}

/** Clears what a killed process left; a backbone that it was replacing gets its name again. */
async function putBack(root: string, id: string): Promise<void> {
  const names = readdirSync(root).filter((name) => isWorkshopOf(name, id))
  const folder = join(root, id)
  for (const name of names.filter((each) => each.endsWith('-old'))) {
    const isThere = await stat(folder).then(
      () => true,
      () => false,
    )
    if (!isThere) await rename(join(root, name), folder)
  }
  for (const name of names) await rm(join(root, name), { recursive: true, force: true })
}

/** `.work-<id>-` and six characters, perhaps with `-old` behind them. */
const isWorkshopOf = (name: string, id: string): boolean =>
  name.startsWith(`${WORKSHOP}${id}-`) &&
  /^[A-Za-z0-9]{6}(-old)?$/.test(name.slice(WORKSHOP.length + id.length + 1))

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

function ignoreAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error
}

/** What is wrong with the text of a description; undefined where nothing is. */
function findFault(text: string, id: string): string | undefined {
  let value: Partial<BackboneDescription> | null
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `no JSON (${(error as Error).message})`
  }
  if (typeof value !== 'object' || value === null) return 'no object'
  if (value.format !== 1) return `the format ${value.format}: update Verger`
  if (value.id !== id) return `the id ${value.id}`
  const isText = (each: unknown) => typeof each === 'string'
  const hasHash = (each: { sha256?: unknown; sizeBytes?: unknown } | undefined) =>
    isText(each?.sha256) && Number.isSafeInteger(each?.sizeBytes)
  if (![value.architecture, value.licence, value.readAs, value.createdAt].every(isText)) {
    return 'one without architecture, licence, readAs or createdAt'
  }
  for (const list of [value.labels, value.notes]) {
    if (!Array.isArray(list) || !list.every(isText)) return 'labels or notes that are no texts'
  }
  if (!hasHash(value.model) || !hasHash(value.source)) return 'one without hashes'
  return findNetworkFault(value.network)
}

export function damagedBackbone(message: string, cause?: unknown): VergerError {
  return new VergerError('backbone_damaged', message, {
    hint: 'Remove the folder and get the backbone again: verger backbones list.',
    ...(cause === undefined ? {} : { cause }),
  })
}
