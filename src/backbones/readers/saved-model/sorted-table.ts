/**
 * LevelDB's table format, in which TensorFlow keeps the index of a checkpoint: blocks of entries whose keys share prefixes
 * with the key before, a block that indexes them, and a footer of 48 bytes
 * (https://github.com/google/leveldb/blob/main/doc/table_format.md).
 */
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { maskedCrc32c } from './crc32c.ts'

const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
/** One byte of compression and four of CRC after each block. */
const TRAILER_BYTES = 5

/** Gives every entry, by its key with one character for each byte. Throws `model_invalid` for anything that is damaged. */
export function readSortedTable(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const footerAt = file.length - FOOTER_BYTES
  if (footerAt < 0 || file.readBigUInt64LE(file.length - 8) !== MAGIC) {
    throw invalidModel(
      'Expected the index of a checkpoint to end as a sorted table does, received another end',
    )
  }
  const footer = new Cursor(file.subarray(footerAt))
  footer.handle() // of the metaindex block, which TensorFlow leaves empty
  const entries = new Map<string, Uint8Array>()
  let total = 0
  for (const [, value] of readBlock(file, footer.handle())) {
    const handle = new Cursor(value).handle()
    // Blocks that lie over each other could multiply what a small file holds.
    total += handle.size
    if (total > file.length) throw damaged('blocks that overlap')
    for (const [key, entry] of readBlock(file, handle)) entries.set(key, entry)
  }
  return entries
}

interface Handle {
  readonly offset: number
  readonly size: number
}

function readBlock(file: Buffer, { offset, size }: Handle): [string, Uint8Array][] {
  const end = offset + size
  if (end + TRAILER_BYTES > file.length) throw damaged(`a block that ends at byte ${end}`)
  if (maskedCrc32c(file.subarray(offset, end + 1)) !== file.readUInt32LE(end + 1)) {
    throw damaged(`a block at byte ${offset} with another CRC than the one beside it`)
  }
  if (file[end] !== 0) {
    throw unsupportedModel(
      'Expected the index of a checkpoint as TensorFlow writes it, received one with compressed blocks',
    )
  }
  const block = file.subarray(offset, end)
  if (size < 4) throw damaged('a block without restarts')
  const entriesEnd = size - 4 - 4 * block.readUInt32LE(size - 4)
  if (entriesEnd < 0) throw damaged('more restarts than a block has bytes')
  const cursor = new Cursor(block.subarray(0, entriesEnd))
  const entries: [string, Uint8Array][] = []
  let key = Buffer.alloc(0)
  let keyBytes = 0
  while (!cursor.atEnd) {
    const shared = cursor.varint()
    const own = cursor.varint()
    const valueLength = cursor.varint()
    if (shared > key.length) throw damaged('a key that shares more than there is')
    key = Buffer.concat([key.subarray(0, shared), cursor.take(own)])
    keyBytes += key.length
    // Keys that repeat a long prefix would be far larger than the file; TensorFlow's are names of variables.
    if (keyBytes > 1000 * (file.length + 1)) throw damaged('keys that are far longer than its file')
    entries.push([key.toString('latin1'), cursor.take(valueLength)])
  }
  return entries
}

/** Reads numbers and bytes one after the other and never past the end. */
class Cursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw damaged('a number that is cut off')
      value += (byte & 0x7f) * factor
      if (byte < 128) {
        if (Number.isSafeInteger(value)) return value
        break
      }
    }
    throw damaged('a number that is too large')
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() }
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw damaged('an entry that is cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

const damaged = (received: string) =>
  invalidModel(`Expected the index of a checkpoint, received ${received}`)
