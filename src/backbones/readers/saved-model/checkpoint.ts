/**
 * Reads TensorFlow's checkpoints of version 2: `<prefix>.index`, a sorted table from names to places, and the numbers in
 * `<prefix>.data-00000-of-00001` and so on (tensorflow/core/util/tensor_bundle/tensor_bundle.h).
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import {
  type BundleEntryProto,
  BundleEntryProtoSchema,
  BundleHeaderProtoSchema,
} from '../../../tensor/generated/tensorflow_pb.ts'
import { elementCount } from '../../../tensor/tensor.ts'
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import {
  type Budget,
  type Constant,
  decodeElements,
  elementSize,
  isFloat,
  shapeOf,
} from './constant.ts'
import { maskedCrc32c } from './crc32c.ts'
import { type Extent, encodeSliceKey } from './slice-key.ts'
import { readSortedTable } from './sorted-table.ts'

/** Names of some thousand variables; more is no index. */
const MAX_INDEX_BYTES = 64 * 1024 * 1024

export interface Checkpoint {
  has(name: string): boolean
  /**
   * The tensor of this name, or the part that `slice` cuts out of it as `RestoreV2` has it, e.g. `10 4 0,5:-`.
   * Throws `model_invalid` where it is missing, cut off or has another CRC than the index says.
   */
  read(name: string, slice?: string): Constant
  /** One text. */
  readText(name: string): Uint8Array
}

/** Opens the checkpoint `<prefix>.index`. Nothing stays open: each read opens its data file. */
export function openCheckpoint(prefix: string, budget: Budget): Checkpoint {
  const path = `${prefix}.index`
  const size = statSync(path).size
  if (size > MAX_INDEX_BYTES) {
    throw unsupportedModel(`Expected at most ${MAX_INDEX_BYTES} bytes of ${path}, found ${size}`)
  }
  const entries = readSortedTable(readFileSync(path))
  const header = decode(BundleHeaderProtoSchema, entries.get(''), 'the header of a checkpoint')
  if (header.endianness !== 0) {
    throw unsupportedModel('Expected a little-endian checkpoint, received a big-endian one')
  }
  const shardCount = header.numShards

  function entryOf(key: string, name: string): BundleEntryProto {
    const value = entries.get(key)
    if (value !== undefined) return decode(BundleEntryProtoSchema, value, `the entry of ${name}`)
    throw invalidModel(`Expected the variable ${name} in ${path}, found no such entry`)
  }

  function readStored({ shardId, offset, size }: BundleEntryProto, name: string): Uint8Array {
    if (shardId < 0 || shardId >= shardCount) {
      throw invalidModel(
        `Expected a data file below ${shardCount} for ${name}, received ${shardId}`,
      )
    }
    return readBytes(dataFile(prefix, shardId, shardCount), Number(offset), Number(size), name)
  }

  function readEntry(entry: BundleEntryProto, name: string): Constant {
    const dims = shapeOf(entry.shape, name)
    const sizeBytes = Number(entry.size)
    const expected = elementCount(dims) * elementSize(entry.dtype, name)
    if (sizeBytes !== expected) {
      throw invalidModel(
        `Expected ${expected} bytes for ${name} of shape [${dims.join(', ')}], the index says ${sizeBytes}`,
      )
    }
    budget.take(elementCount(dims), name)
    const bytes = readStored(entry, name)
    if (maskedCrc32c(bytes) !== entry.crc32c) {
      throw invalidModel(`The numbers of ${name} have another CRC than the index of the checkpoint`)
    }
    return {
      kind: 'constant',
      type: entry.dtype,
      dims,
      data: decodeElements(bytes, entry.dtype, name),
    }
  }

  /** The whole tensor, put together where it is stored in slices. */
  function readWhole(name: string): Constant {
    const entry = entryOf(name, name)
    if (entry.slices.length === 0) return readEntry(entry, name)
    const dims = shapeOf(entry.shape, name)
    const count = elementCount(dims)
    budget.take(count, name)
    const data = isFloat(entry.dtype) ? new Float32Array(count) : new Float64Array(count)
    let covered = 0
    for (const { extent } of entry.slices) {
      const extents = extent.map(({ start, hasLength }) => ({
        start: Number(start),
        length: hasLength.case === undefined ? -1 : Number(hasLength.value),
      }))
      const key = encodeSliceKey(name, extents)
      const part = readEntry(entryOf(key, `${name}, slice ${sliceWords(extents)}`), name)
      const box = boxOf(extents, dims, name)
      if (part.dims.join() !== box.sizes.join() || part.type !== entry.dtype) {
        throw invalidModel(
          `Expected a slice of shape [${box.sizes.join(', ')}] for ${name}, received [${part.dims.join(', ')}]`,
        )
      }
      eachInBox(dims, box, (whole, at) => {
        data[whole] = part.data[at]!
      })
      covered += part.data.length
    }
    if (covered === count) return { kind: 'constant', type: entry.dtype, dims, data }
    throw invalidModel(`Expected slices that cover ${name}, received ${covered} of its numbers`)
  }

  /** Each text: its length, then a CRC of the lengths, then the texts; the CRC of all has lengths of 32 bits. */
  function readText(name: string): Uint8Array {
    const entry = entryOf(name, name)
    const sizeBytes = Number(entry.size)
    if (entry.dtype !== DATA_TYPES.string || shapeOf(entry.shape, name).length > 0) {
      throw invalidModel(`Expected one text as ${name}, found something else`)
    }
    if (sizeBytes > MAX_INDEX_BYTES) {
      throw unsupportedModel(`Expected a text of at most ${MAX_INDEX_BYTES} bytes as ${name}`)
    }
    const stored = readStored(entry, name)
    const prefixBytes = stored.findIndex((byte) => byte < 128) + 1
    const text = stored.subarray(prefixBytes + 4)
    const summed = Buffer.alloc(8)
    summed.writeUInt32LE(text.length)
    summed.set(stored.subarray(prefixBytes, prefixBytes + 4), 4)
    if (maskedCrc32c(Buffer.concat([summed, text])) === entry.crc32c) return text
    throw invalidModel(`The text ${name} has another CRC than the index of the checkpoint`)
  }

  return {
    readText,
    has: (name) => entries.has(name),
    read(name, slice = '') {
      const whole = readWhole(name)
      if (slice === '') return whole
      const { dims, extents } = parseSlice(slice, name)
      if (dims.join() !== whole.dims.join()) {
        throw invalidModel(
          `Expected ${name} of shape [${dims.join(', ')}], found [${whole.dims.join(', ')}]`,
        )
      }
      const box = boxOf(extents, dims, name)
      const data = whole.data.slice(0, elementCount(box.sizes))
      eachInBox(dims, box, (from, at) => {
        data[at] = whole.data[from]!
      })
      return { ...whole, dims: box.sizes, data }
    },
  }
}

function decode<S extends typeof BundleHeaderProtoSchema | typeof BundleEntryProtoSchema>(
  schema: S,
  bytes: Uint8Array | undefined,
  what: string,
) {
  if (bytes === undefined) throw invalidModel(`Expected ${what}, found none`)
  try {
    return fromBinary(schema, bytes)
  } catch (cause) {
    throw invalidModel(`Expected ${what}, received bytes that are none`, cause)
  }
}

const dataFile = (prefix: string, shard: number, count: number): string =>
  `${prefix}.data-${String(shard).padStart(5, '0')}-of-${String(count).padStart(5, '0')}`

function readBytes(path: string, offset: number, length: number, name: string): Uint8Array {
  if (!existsSync(path)) {
    throw invalidModel(`Expected the data file ${basename(path)} for ${name}, found none`)
  }
  const { size } = statSync(path)
  if (offset < 0 || offset + length > size) {
    throw invalidModel(
      `Expected ${name} in bytes ${offset} to ${offset + length} of ${basename(path)}, which has ${size}`,
    )
  }
  const bytes = new Uint8Array(length)
  const file = openSync(path, 'r')
  try {
    for (let at = 0; at < length; ) {
      const count = readSync(file, bytes, at, Math.min(length - at, 2 ** 30), offset + at)
      if (count === 0) throw invalidModel(`${basename(path)} ended while ${name} was read`)
      at += count
    }
  } finally {
    closeSync(file)
  }
  return bytes
}

/** `10 4 0,5:-`: the whole shape, then start and length of each axis or a dash. */
function parseSlice(spec: string, name: string): { dims: number[]; extents: Extent[] } {
  const words = spec.split(' ')
  const parts = (words.pop() ?? '').split(':')
  const dims = words.map(Number)
  const extents = parts.map((part) => {
    if (part === '-') return { start: 0, length: -1 }
    const [start = NaN, length = NaN] = part.split(',').map(Number)
    return { start, length }
  })
  const numbers = [...dims, ...extents.flatMap(({ start, length }) => [start, length])]
  if (dims.length !== extents.length || !numbers.every(Number.isSafeInteger)) {
    throw invalidModel(`Expected a slice of ${name}, received '${spec}'`)
  }
  return { dims, extents }
}

interface Box {
  readonly starts: readonly number[]
  readonly sizes: readonly number[]
}

function boxOf(extents: readonly Extent[], dims: readonly number[], name: string): Box {
  const starts = extents.map(({ start }) => start)
  const sizes = extents.map(({ start, length }, axis) =>
    length < 0 ? dims[axis]! - start : length,
  )
  const fits =
    extents.length === dims.length &&
    dims.every(
      (size, axis) =>
        starts[axis]! >= 0 && sizes[axis]! >= 0 && starts[axis]! + sizes[axis]! <= size,
    )
  if (fits) return { starts, sizes }
  throw invalidModel(
    `Expected a slice inside [${dims.join(', ')}] for ${name}, received ${sliceWords(extents)}`,
  )
}

const sliceWords = (extents: readonly Extent[]): string =>
  extents.map(({ start, length }) => (length < 0 ? '-' : `${start},${length}`)).join(':')

/** Visits each position of the box: its place in the whole and in the box, both row-major. */
function eachInBox(
  dims: readonly number[],
  box: Box,
  visit: (whole: number, part: number) => void,
): void {
  const count = elementCount(box.sizes)
  const index = dims.map(() => 0)
  for (let part = 0; part < count; part++) {
    let whole = 0
    for (const [axis, size] of dims.entries())
      whole = whole * size + box.starts[axis]! + index[axis]!
    visit(whole, part)
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === box.sizes[axis]; axis--) {
      index[axis] = 0
    }
  }
}
