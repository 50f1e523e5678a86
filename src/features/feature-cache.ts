/**
 * Features on disk, so that a photo goes through a network once: one file per photo and view, named by their hashes.
 *
 *   <folder>/<view>/<aa>/<photo>     32 bytes of SHA-256, then float32 values
 *
 * A file appears under its name only when it is whole. It is not forced to the disk: what a loss of power damages is found
 * by its hash and computed again.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  promises as fs,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Backbone } from '../backbones/catalog.ts'
import { toWriteError } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { preprocessingHash } from '../images/preprocessing-hash.ts'
import type { View } from './views.ts'

const CHECKSUM_BYTES = 32

/** The time of a file says when it was last used, to the day: file systems are often mounted without times of access. */
const NOTE_USE_AFTER_MS = 24 * 60 * 60 * 1000

export interface FeatureCache {
  /** Features of a photo under a view, or undefined where they are not there or damaged; damaged ones are removed. */
  get(photo: string, view: View): Float32Array | undefined
  /** Throws `disk_full` or `write_failed`. */
  put(photo: string, view: View, features: Float32Array): Promise<void>
  /** Entries that were found damaged, and removed, since the cache was opened. */
  readonly damaged: number
}

/** Folder of the cache below the home of Verger. */
export const featureCacheFolder = (home: string): string => join(home, 'cache', 'features')

/** Name under which features of one view are kept: whatever changes them changes the name. */
export function viewKey(backbone: Backbone, { size, mirrored }: View): string {
  const definition = JSON.stringify({
    weights: backbone.weights.sha256,
    preprocessing: preprocessingHash(backbone.network.input),
    output: 'features',
    size,
    mirrored,
  })
  return createHash('sha256').update(definition).digest('hex').slice(0, 16)
}

/** Opens the cache of one backbone. Nothing is created before the first entry is put. */
export function openFeatureCache(home: string, backbone: Backbone): FeatureCache {
  const folder = featureCacheFolder(home)
  const made = new Set<string>()
  let damaged = 0
  const pathOf = (photo: string, view: View) =>
    join(folder, viewKey(backbone, view), photo.slice(0, 2), photo)

  return {
    get damaged() {
      return damaged
    },
    get(photo, view) {
      const path = pathOf(photo, view)
      const bytes = readIfThere(path)
      if (bytes === undefined) return undefined
      const values = bytes.subarray(CHECKSUM_BYTES)
      if (values.length === 0 || !bytes.subarray(0, CHECKSUM_BYTES).equals(checksum(values))) {
        damaged++
        rmSync(path, { force: true })
        return undefined
      }
      return new Float32Array(new Uint8Array(values).buffer)
    },
    async put(photo, view, features) {
      const path = pathOf(photo, view)
      const values = Buffer.from(features.buffer, features.byteOffset, features.byteLength)
      const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
      try {
        if (!made.has(dirname(path))) mkdirSync(dirname(path), { recursive: true })
        made.add(dirname(path))
        await fs.writeFile(temporary, Buffer.concat([checksum(values), values]), { flag: 'wx' })
        await fs.rename(temporary, path)
      } catch (error) {
        await fs.rm(temporary, { force: true }).catch(() => {})
        throw toWriteError(error, path)
      }
    },
  }
}

const checksum = (values: Uint8Array): Buffer => createHash('sha256').update(values).digest()

function readIfThere(path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
  try {
    if (Date.now() - fstatSync(file).mtimeMs > NOTE_USE_AFTER_MS) noteUse(file)
    return readFileSync(file)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    closeSync(file)
  }
}

const unreadable = (path: string, cause: unknown): VergerError =>
  new VergerError('cache_unreadable', `Expected features that can be read at ${path}`, {
    hint: 'Let the user who runs Verger read and write this file, or remove it: it is computed again.',
    cause,
  })

function noteUse(file: number): void {
  const now = new Date()
  try {
    futimesSync(file, now, now)
  } catch {
    // The cache of somebody else, or one that cannot be written to, can still be read.
  }
}
