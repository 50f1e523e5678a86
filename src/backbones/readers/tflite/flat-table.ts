/**
 * FlatBuffers, read by the numbers of fields with every offset checked before it is followed: the library decodes
 * numbers and leaves checks to the caller (https://flatbuffers.dev/internals/).
 */
import { ByteBuffer } from 'flatbuffers'
import { invalidModel } from '../foreign/model-errors.ts'

/** Bytes of a file identifier, which follows the offset of the root table. */
const IDENTIFIER_BYTES = 4

/**
 * The root table of a FlatBuffer whose identifier is one of `identifiers`. Throws `model_invalid`, as every method of a
 * table does where an offset or length leads out of the file.
 */
export function readRootTable(bytes: Uint8Array, identifiers: readonly string[]): FlatTable {
  const buffer = new CheckedBuffer(bytes)
  const identifier = Buffer.from(buffer.bytes(4, IDENTIFIER_BYTES)).toString('latin1')
  if (!identifiers.includes(identifier)) {
    throw invalidModel(
      `Expected a FlatBuffer marked ${identifiers.join(' or ')}, received ${JSON.stringify(identifier)}`,
    )
  }
  return new FlatTable(buffer, buffer.follow(0))
}

/** A table: fields by their number, each of which may be left out. */
export class FlatTable {
  readonly #buffer: CheckedBuffer
  readonly #position: number
  readonly #vtable: number
  /** Bytes of the vtable: four, and two for each field. */
  readonly #vtableSize: number

  constructor(buffer: CheckedBuffer, position: number) {
    this.#buffer = buffer
    this.#position = position
    this.#vtable = position - buffer.int32(position)
    this.#vtableSize = buffer.uint16(this.#vtable)
    buffer.check(this.#vtable, this.#vtableSize)
  }

  int8(field: number): number {
    const at = this.#find(field)
    return at === undefined ? 0 : this.#buffer.int8(at)
  }

  uint8(field: number): number {
    return this.int8(field) & 0xff
  }

  int32(field: number, byDefault = 0): number {
    const at = this.#find(field)
    return at === undefined ? byDefault : this.#buffer.int32(at)
  }

  uint32(field: number): number {
    return this.int32(field) >>> 0
  }

  uint64(field: number): number {
    const at = this.#find(field)
    return at === undefined ? 0 : Number(BigInt.asUintN(64, this.#buffer.int64(at)))
  }

  float32(field: number, byDefault = 0): number {
    const at = this.#find(field)
    return at === undefined ? byDefault : this.#buffer.float32(at)
  }

  text(field: number): string {
    return Buffer.from(this.bytes(field) ?? []).toString('utf8')
  }

  /** A vector of bytes as it lies in the file, without a copy. */
  bytes(field: number): Uint8Array | undefined {
    const vector = this.#vector(field, 1)
    return vector && this.#buffer.bytes(vector.start, vector.length)
  }

  int32s(field: number): number[] {
    return this.#map(field, 4, (at) => this.#buffer.int32(at))
  }

  int64s(field: number): number[] {
    return this.#map(field, 8, (at) => Number(this.#buffer.int64(at)))
  }

  float32s(field: number): number[] {
    return this.#map(field, 4, (at) => this.#buffer.float32(at))
  }

  table(field: number): FlatTable | undefined {
    const at = this.#find(field)
    return at === undefined ? undefined : new FlatTable(this.#buffer, this.#buffer.follow(at))
  }

  tables(field: number): FlatTable[] {
    return this.#map(field, 4, (at) => new FlatTable(this.#buffer, this.#buffer.follow(at)))
  }

  #find(field: number): number | undefined {
    const slot = 4 + 2 * field
    if (slot + 2 > this.#vtableSize) return undefined
    const offset = this.#buffer.uint16(this.#vtable + slot)
    return offset === 0 ? undefined : this.#position + offset
  }

  #vector(field: number, elementBytes: number): { start: number; length: number } | undefined {
    const at = this.#find(field)
    if (at === undefined) return undefined
    const position = this.#buffer.follow(at)
    const length = this.#buffer.int32(position) >>> 0
    this.#buffer.check(position + 4, length * elementBytes)
    return { start: position + 4, length }
  }

  #map<T>(field: number, elementBytes: number, read: (at: number) => T): T[] {
    const { start, length } = this.#vector(field, elementBytes) ?? { start: 0, length: 0 }
    this.#buffer.spend(length)
    return Array.from({ length }, (_, index) => read(start + index * elementBytes))
  }
}

class CheckedBuffer {
  readonly #buffer: ByteBuffer
  readonly #size: number
  /** Elements that may still be read: vectors can be shared, so that a small file would ask for any number of them. */
  #budget: number

  constructor(bytes: Uint8Array) {
    this.#buffer = new ByteBuffer(bytes)
    this.#size = bytes.length
    this.#budget = 4 * bytes.length
  }

  check(at: number, count: number): number {
    if (Number.isSafeInteger(at) && at >= 0 && count >= 0 && at + count <= this.#size) return at
    throw invalidModel(
      `Expected a FlatBuffer, received an offset to bytes ${at} to ${at + count} in a file of ${this.#size}`,
    )
  }

  spend(count: number): void {
    this.#budget -= count
    if (this.#budget >= 0) return
    throw invalidModel('Expected a FlatBuffer, received one that repeats its vectors without end')
  }

  /** The place that the offset at `at` leads to. */
  follow(at: number): number {
    return this.check(at + (this.int32(at) >>> 0), 4)
  }

  bytes(start: number, length: number): Uint8Array {
    return this.#buffer.bytes().subarray(this.check(start, length), start + length)
  }

  int8(at: number): number {
    return this.#buffer.readInt8(this.check(at, 1))
  }

  uint16(at: number): number {
    return this.#buffer.readUint16(this.check(at, 2))
  }

  int32(at: number): number {
    return this.#buffer.readInt32(this.check(at, 4))
  }

  int64(at: number): bigint {
    return this.#buffer.readInt64(this.check(at, 8))
  }

  float32(at: number): number {
    return this.#buffer.readFloat32(this.check(at, 4))
  }
}
