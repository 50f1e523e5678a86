/** What a dataset holds, photo by photo: the immutable part that names a dataset version. */

import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { compareCodePoints } from './code-point-order.ts'
import { faultsError } from './faults.ts'

/** Sides of a split. `test` photos are never trained on. */
export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

export interface DatasetPhoto {
  /** Path below the root of the dataset, with `/` between its parts. */
  readonly path: string
  /** Hash of the file's bytes. */
  readonly sha256: string
  readonly sizeBytes: number
  /** Size in pixels as stored, before the EXIF orientation is honoured. */
  readonly width: number
  readonly height: number
  readonly label: string
  readonly split?: Split
  /** Photos of one group (one session, one plant) stay on one side of a split. */
  readonly group?: string
}

/**
 * The canonical form: one JSON object a line, photos by path in the order of code points, keys in the order of
 * `DatasetPhoto`, absent ones left out. Nothing else is in it, so it is the same wherever the dataset lies.
 */
export function encodeManifest(photos: readonly DatasetPhoto[]): Uint8Array {
  const sorted = [...photos].sort((a, b) => compareCodePoints(a.path, b.path))
  return Buffer.from(sorted.map((photo) => `${encodePhoto(photo)}\n`).join(''), 'utf8')
}

/** Key order is part of the form. */
function encodePhoto(photo: DatasetPhoto): string {
  const { path, sha256, sizeBytes, width, height, label, split, group } = photo
  return JSON.stringify({ path, sha256, sizeBytes, width, height, label, split, group })
}

/** The id of a dataset version: SHA-256 of its canonical form, in lower-case hexadecimal. */
export function manifestId(photos: readonly DatasetPhoto[]): string {
  return sha256(encodeManifest(photos))
}

/** Reads what `encodeManifest` wrote. Throws `dataset_invalid` with every fault and its line. */
export function parseManifest(bytes: Uint8Array): DatasetPhoto[] {
  const faults: string[] = []
  const photos: DatasetPhoto[] = []
  for (const [index, line] of decodeLines(bytes).entries()) {
    const photo = parseLine(line)
    if (typeof photo === 'string') faults.push(`line ${index + 1}: ${photo}`)
    else photos.push(photo)
  }
  for (const [index, { path }] of photos.entries()) {
    const before = photos[index - 1]
    if (before === undefined || faults.length > 0) continue
    const order = compareCodePoints(before.path, path)
    if (order === 0) faults.push(`line ${index + 1}: ${path} stands on the line before too`)
    if (order > 0) faults.push(`line ${index + 1}: ${path} belongs before ${before.path}`)
  }
  if (faults.length > 0) {
    throw faultsError('Expected the manifest of a dataset version', faults, {
      hint: 'Scan the dataset again: verger datasets scan.',
    })
  }
  return photos
}

function decodeLines(bytes: Uint8Array): string[] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text === '' ? [] : text.replace(/\n$/, '').split('\n')
  } catch (cause) {
    throw new VergerError('dataset_invalid', 'Expected a manifest in UTF-8, received other bytes', {
      hint: 'Scan the dataset again: verger datasets scan.',
      cause,
    })
  }
}

/** Gives the photo, or what is wrong with the line. */
function parseLine(line: string): DatasetPhoto | string {
  let value: Partial<Record<keyof DatasetPhoto, unknown>>
  try {
    value = JSON.parse(line)
  } catch {
    return 'expected a JSON object'
  }
  if (typeof value !== 'object' || value === null) return 'expected a JSON object'
  const { path, sha256, sizeBytes, width, height, label, split, group } = value
  if (!isText(path)) return `expected a path, received ${JSON.stringify(path)}`
  if (!isText(label)) return `expected a label, received ${JSON.stringify(label)}`
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    return `expected a SHA-256, received ${JSON.stringify(sha256)}`
  }
  if (!isCount(sizeBytes) || !isCount(width) || !isCount(height)) {
    return 'expected sizeBytes, width and height as whole numbers from 1'
  }
  if (split !== undefined && !isSplit(split)) {
    return `expected a split among ${SPLITS.join(', ')}, received ${JSON.stringify(split)}`
  }
  if (group !== undefined && !isText(group)) {
    return `expected a group, received ${JSON.stringify(group)}`
  }
  return {
    ...{ path, sha256, sizeBytes, width, height, label },
    ...(split === undefined ? {} : { split }),
    ...(group === undefined ? {} : { group }),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0
const isSplit = (value: unknown): value is Split => SPLITS.includes(value as Split)
