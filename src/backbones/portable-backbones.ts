/**
 * Backbones that travel with the versions that stand on them. What does not ship with Verger is kept as blobs beside the
 * files of a version; a home that has not the same weights gets them from there, once:
 *
 *   <home>/cache/backbones/<hash of the weights>/backbones/<id>/   a home of its own, so that ids of two homes never clash
 */
import { utimesSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { type Backbone, findBackbone, SHIPPED_BACKBONES, toBackbone } from './catalog.ts'
import {
  type BackboneDescription,
  DESCRIPTION,
  damagedBackbone,
  keepBackbone,
  keptModelPath,
  listKeptIds,
  MODEL,
  parseDescription,
  readKeptBackbone,
} from './kept-backbones.ts'

/** As the manifest of a bundle names its backbone. */
export interface WantedBackbone {
  readonly id: string
  /** Hash of the weights. */
  readonly sha256: string
}

/** Where the two files of a backbone come from. */
export interface BackboneBringer {
  readDescription(): Promise<Uint8Array>
  readModel(): AsyncIterable<Uint8Array>
}

interface Provision {
  readonly home: string
  readonly blobs: BlobStore
  /** `backboneFiles` of the version. */
  readonly files: Readonly<Record<string, string>> | undefined
}

/**
 * Finds the backbone that a version stands on: the shipped one, that of the home, or the one that the version carries,
 * which is got where it is not here yet. Throws `backbone_unknown`, `backbone_damaged`, and what reading blobs throws.
 */
export async function provideBackbone(
  wanted: WantedBackbone,
  { home, blobs, files }: Provision,
): Promise<Backbone> {
  const local = findSameBackbone(wanted, home)
  if (local !== undefined) return local
  const description = files?.[DESCRIPTION]
  const model = files?.[MODEL]
  // The error names both hashes where one of this id has other weights.
  if (description === undefined || model === undefined) return findBackbone(wanted.id, home)
  return installBackbone(wanted, home, {
    readDescription: () => blobs.get(description),
    readModel: () => blobs.openRead(model),
  })
}

/** The backbone with these very weights where this machine has it: shipped, kept in the home, or got for a version. */
export function findSameBackbone(
  wanted: WantedBackbone,
  home: string | undefined,
): Backbone | undefined {
  const shipped = SHIPPED_BACKBONES.find(({ weights }) => weights.sha256 === wanted.sha256)
  if (shipped !== undefined) return shipped
  for (const place of home === undefined ? [] : [home, placeOf(home, wanted)]) {
    try {
      const kept = readKeptBackbone(place, wanted.id)
      if (kept?.model.sha256 !== wanted.sha256) continue
      if (place !== home) noteUse(place)
      return toBackbone(place, kept)
    } catch {
      // A damaged one counts as none: the version may bring a whole one.
    }
  }
  return undefined
}

/**
 * The same where it is here; else the backbone of this id, whose other weights the caller refuses. Throws
 * `backbone_unknown`, `backbone_damaged`.
 */
export const findWantedBackbone = (wanted: WantedBackbone, home: string | undefined): Backbone =>
  findSameBackbone(wanted, home) ?? findBackbone(wanted.id, home)

/** Puts a backbone that somebody brings where versions find it, and verifies it. Throws `backbone_damaged`. */
export async function installBackbone(
  wanted: WantedBackbone,
  home: string,
  bringer: BackboneBringer,
): Promise<Backbone> {
  const place = placeOf(home, wanted)
  const made = await keepBackbone(place, wanted.id, async ({ modelPath, signal }) => {
    // Another process may have been first.
    if (findSameBackbone(wanted, home) !== undefined) return undefined
    const description = requireSame(wanted, await bringer.readDescription())
    await writeFileAtomic(modelPath, bringer.readModel())
    signal.throwIfAborted()
    return description
  })
  const backbone = made === undefined ? findSameBackbone(wanted, home) : toBackbone(place, made)
  if (backbone !== undefined) return backbone
  throw new RangeError(`Expected the backbone ${wanted.id}, which was there a moment ago`)
}

/**
 * Keeps a backbone of this machine as blobs, so that a version can carry it; gives their hashes, or undefined where it
 * ships with Verger. Throws `backbone_damaged` where the file is not what its description says.
 */
export async function storeBackbone(
  backbone: Backbone,
  blobs: BlobStore,
): Promise<Readonly<Record<string, string>> | undefined> {
  const { path, sha256 } = backbone.weights
  if (SHIPPED_BACKBONES.some(({ weights }) => weights.sha256 === sha256)) return undefined
  try {
    return {
      [DESCRIPTION]: await blobs.put(await readFile(descriptionPath(path))),
      [MODEL]: await blobs.putFile(path, { sha256 }),
    }
  } catch (error) {
    if (!(error instanceof VergerError) || error.code !== 'blob_damaged') throw error
    throw damagedBackbone(
      `Expected the weights of ${backbone.id} to be those that it describes: ${error.message}`,
      error,
    )
  }
}

/** The description lies beside the model. */
export const descriptionPath = (modelPath: string): string => join(dirname(modelPath), DESCRIPTION)

const gotBackbonesFolder = (home: string): string => join(home, 'cache', 'backbones')
const placeOf = (home: string, { sha256 }: WantedBackbone): string =>
  join(gotBackbonesFolder(home), sha256)

/** A cache that cannot be written to can still be read. */
function noteUse(place: string): void {
  const now = new Date()
  try {
    utimesSync(place, now, now)
  } catch {}
}

export interface GotBackbone {
  readonly path: string
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly usedAtMs: number
}

/** What was got for versions; each may go at any time, and is got again. */
export async function listGotBackbones(home: string): Promise<GotBackbone[]> {
  const folder = gotBackbonesFolder(home)
  const names = await readdir(folder).catch(() => [])
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const sizes = listKeptIds(path).map(async (id) => (await stat(keptModelPath(path, id))).size)
      const sizeBytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
      return { path, sizeBytes, usedAtMs: (await stat(path)).mtimeMs }
    }),
  )
}

function requireSame({ id, sha256 }: WantedBackbone, bytes: Uint8Array): BackboneDescription {
  const description = parseDescription(Buffer.from(bytes).toString(), id, 'the version')
  if (description.model.sha256 === sha256) return description
  throw damagedBackbone(
    `Expected a description of ${id} with weights ${sha256.slice(0, 12)}, received one of ${description.model.sha256.slice(0, 12)}`,
  )
}
