/** Input tensors → photos: the bytes of files, base64 text of them, or pixels that somebody else decoded. */
import type { Limits } from '../../core/config.ts'
import { VergerError } from '../../core/errors.ts'
import type { Pixels } from '../../images/decode.ts'
import { bytesOfValue } from '../photo-values.ts'
import { showValue } from '../show-value.ts'
import type { InputTensor } from './infer-request.ts'
import {
  countElements,
  type Datatype,
  LEVEL_TYPES,
  type LevelType,
  readNumbers,
  splitElements,
} from './tensors.ts'

export interface InputDescription {
  readonly name: string
  /** The first is the one to be described; -1 in a shape is any size. */
  readonly datatypes: readonly Datatype[]
  readonly shape: readonly number[]
}

/** The inputs of every model; a request has one of them. */
export const INPUTS: readonly InputDescription[] = [
  { name: 'image_bytes', datatypes: ['BYTES'], shape: [-1] },
  { name: 'image_base64', datatypes: ['BYTES'], shape: [-1] },
  { name: 'image', datatypes: LEVEL_TYPES, shape: [-1, -1, -1, 3] },
]

export interface TensorPhoto {
  readonly source: string
  /** Throws `base64_invalid` or `request_invalid`. */
  read(): Uint8Array | Pixels
}

type PhotoLimits = Pick<Limits, 'requestPhotos' | 'photoPixels'>

/** Throws `request_invalid`, `too_many_parts` or `photo_too_many_pixels`. */
export function photosOfInputs(inputs: readonly InputTensor[], limits: PhotoLimits): TensorPhoto[] {
  const names = INPUTS.map(({ name }) => name)
  const [input] = inputs
  const description = INPUTS.find(({ name }) => name === input?.name)
  if (input === undefined || description === undefined || inputs.length > 1) {
    const received = inputs
      .map(({ name }) => JSON.stringify(name.slice(0, 40)))
      .slice(0, 8)
      .join(', ')
    throw new VergerError(
      'request_invalid',
      `Expected one input, ${names.join(' or ')}, received ${received || 'none'}`,
      { hint: 'image_bytes and image_base64 hold photos as files, image their decoded pixels.' },
    )
  }
  const types: readonly string[] = description.datatypes
  if (!types.includes(input.datatype)) {
    throw new VergerError(
      'request_invalid',
      `Expected the datatype ${types.join(' or ')} for ${input.name}, received ${showValue(input.datatype)}`,
    )
  }
  return types.includes('BYTES') ? photosOfBytes(input, limits) : photosOfPixels(input, limits)
}

function photosOfBytes({ name, shape, contents }: InputTensor, limits: PhotoLimits): TensorPhoto[] {
  const count = countElements(shape, name)
  const [, width = 1] = shape
  if (shape.length < 1 || shape.length > 2 || width !== 1) {
    throw new VergerError(
      'request_invalid',
      `Expected the shape [photos] or [photos,1] for ${name}, received ${showValue(shape)}`,
    )
  }
  checkCount(count, limits)
  const values =
    contents instanceof Uint8Array
      ? splitElements(contents, count, name)
      : flatten(contents, shape, name)
  return values.map((value, index) => {
    const place = `${name}[${index}]`
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
      throw new VergerError(
        'request_invalid',
        `Expected text at ${place}, received ${showValue(value)}`,
      )
    }
    return { source: place, read: () => bytesOfValue(value, place) }
  })
}

/** `[n, height, width, 3]`, or `[n, 3, height, width]` where the last size is not 3. */
function photosOfPixels(input: InputTensor, limits: PhotoLimits): TensorPhoto[] {
  const { name, datatype, shape, contents } = input
  const [count = 0, second = 0, third = 0, last = 0] = shape
  const isInterleaved = last === 3
  if (shape.length !== 4 || (!isInterleaved && second !== 3)) {
    throw new VergerError(
      'request_invalid',
      `Expected the shape [photos,height,width,3] or [photos,3,height,width] for ${name}, received ${showValue(shape)}`,
    )
  }
  const elements = countElements(shape, name)
  const [height, width] = isInterleaved ? [second, third] : [third, last]
  checkCount(count, limits)
  checkPixels(width, height, limits.photoPixels, name)
  const values =
    contents instanceof Uint8Array
      ? readNumbers(datatype as LevelType, contents, elements, name)
      : flatten(contents, shape, name)
  const perPhoto = 3 * height * width
  return Array.from({ length: count }, (_, index) => ({
    source: `${name}[${index}]`,
    read: () => {
      const levels = readLevels(values, index * perPhoto, perPhoto, `${name}[${index}]`)
      const data = isInterleaved ? levels : interleave(levels)
      return { data, width, height }
    },
  }))
}

function checkCount(count: number, { requestPhotos }: PhotoLimits): void {
  if (count === 0) {
    throw new VergerError(
      'request_invalid',
      'Expected at least one photo, received a shape of none',
    )
  }
  if (count <= requestPhotos) return
  throw new VergerError(
    'too_many_parts',
    `Expected at most ${requestPhotos} photos in one request, received ${count}`,
    { hint: 'Send several requests, or raise VERGER_MAX_REQUEST_PHOTOS.' },
  )
}

function checkPixels(width: number, height: number, maxPixels: number, place: string): void {
  if (width * height === 0) {
    throw new VergerError(
      'request_invalid',
      `Expected photos of at least one pixel in ${place}, received ${width} × ${height}`,
    )
  }
  if (width * height <= maxPixels) return
  throw new VergerError(
    'photo_too_many_pixels',
    `Expected at most ${maxPixels} pixels in a photo of ${place}, received ${width} × ${height}`,
    { hint: 'Send it smaller, or raise VERGER_MAX_PHOTO_PIXELS.' },
  )
}

/** Values in their order. Throws `request_invalid` where lists are neither flat nor nested as the shape says. */
function flatten(
  contents: readonly unknown[],
  shape: readonly number[],
  place: string,
): readonly unknown[] {
  const count = countElements(shape, place)
  if (!Array.isArray(contents[0])) {
    if (contents.length === count) return contents
    throw new VergerError(
      'request_invalid',
      `Expected ${count} values in ${place}, as its shape says, received ${contents.length}`,
    )
  }
  const flat: unknown[] = []
  const visit = (value: unknown, level: number): void => {
    const size = shape[level]
    if (size === undefined) {
      flat.push(value)
      return
    }
    if (!Array.isArray(value) || value.length !== size) {
      const received = Array.isArray(value) ? String(value.length) : showValue(value)
      throw new VergerError(
        'request_invalid',
        `Expected lists of ${size} at level ${level} of ${place}, as its shape says, received ${received}`,
      )
    }
    for (const each of value) visit(each, level + 1)
  }
  visit(contents, 0)
  return flat
}

/** Levels 0 to 255; a view where they are bytes already. Throws `request_invalid`. */
function readLevels(
  values: ArrayLike<unknown>,
  start: number,
  count: number,
  place: string,
): Uint8Array {
  if (values instanceof Uint8Array) return values.subarray(start, start + count)
  const levels = new Uint8Array(count)
  for (let index = 0; index < count; index++) {
    const value = values[start + index]
    const level = typeof value === 'bigint' ? Number(value) : value
    if (typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > 255) {
      throw new VergerError(
        'request_invalid',
        `Expected whole levels 0 to 255 in ${place}, received ${showValue(value)} as value ${index}`,
        { hint: 'Multiply pixels of 0 to 1 by 255 and round; Verger normalises them itself.' },
      )
    }
    levels[index] = level
  }
  return levels
}

/** `[3, height, width]` → `[height, width, 3]`. */
function interleave(planes: Uint8Array): Uint8Array {
  const pixels = planes.length / 3
  const data = new Uint8Array(planes.length)
  for (let plane = 0; plane < 3; plane++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      data[3 * pixel + plane] = planes[plane * pixels + pixel] ?? 0
    }
  }
  return data
}
