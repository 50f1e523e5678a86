/** Changes files as damage and malice do: cut short, bits turned, lengths set to extremes, parts moved and mixed. */
import { unzipSync, type Zippable, zipSync } from 'fflate'
import { createRandom, type Random } from '../../src/learn/random.ts'

/** The files of a model by their path below its folder; one that is a single file has the path ''. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>

/**
 * Changes one of the files; the same seed gives the same bytes. Of a zip that is changed half of the time what is inside,
 * packed again with right checksums. `others` are files to take pieces from.
 */
export function mutateModel(
  model: ModelFiles,
  seed: number,
  others: readonly Uint8Array[],
): ModelFiles {
  const random = createRandom(seed)
  const path = pick(random, Object.keys(model))
  const bytes = model[path] ?? new Uint8Array()
  const inside = isZip(bytes) && random.integer(2) === 0
  const changed = inside ? mutateZip(bytes, random, others) : mutate(bytes, random, others)
  return { ...model, [path]: changed }
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(items.length)] as T

const isZip = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'PK\x03\x04'

function mutateZip(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const entries: Record<string, Uint8Array> = unzipSync(bytes)
  const name = pick(random, Object.keys(entries))
  switch (random.integer(8)) {
    case 0:
      delete entries[name]
      break
    case 1:
      entries[`../${name}`] = entries[name] ?? new Uint8Array()
      break
    default:
      entries[name] = mutate(entries[name] ?? new Uint8Array(), random, others)
  }
  return zipSync(entries as Zippable, { level: random.integer(8) === 0 ? 6 : 0 })
}

function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const times = 1 + random.integer(3)
  let changed = Uint8Array.from(bytes)
  for (let time = 0; time < times; time++) changed = Uint8Array.from(once(changed, random, others))
  return changed
}

/** Numbers that lengths, offsets and counts are set to. */
const EXTREMES = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
]

function once(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.integer(256))
  const at = random.integer(bytes.length)
  const length = 1 + random.integer(Math.min(bytes.length - at, pick(random, [8, 64, 1024])))
  const piece = bytes.subarray(at, at + length)
  const to = random.integer(bytes.length)
  switch (random.integer(10)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
    case 2:
    case 3:
      for (let bit = 1 + random.integer(8); bit > 0; bit--) {
        const place = random.integer(bytes.length)
        bytes[place] = (bytes[place] ?? 0) ^ (1 << random.integer(8))
      }
      return bytes
    case 4:
    case 5:
      return setNumber(bytes, at, random)
    case 6:
      bytes.fill(pick(random, [0, 0xff, random.integer(256)]), at, at + length)
      return bytes
    case 7:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 8:
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)])
    default: {
      const other = pick(random, others)
      const from = random.integer(other.length)
      const foreign = other.subarray(from, from + length)
      return Buffer.concat([bytes.subarray(0, at), foreign, bytes.subarray(at + length)])
    }
  }
}

/** Puts an extreme, or a number near the length of the file, over 1 to 8 bytes in either order, or as a varint. */
function setNumber(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  const near = BigInt(Math.max(bytes.length + random.integer(9) - 4, 0))
  const number = random.integer(4) === 0 ? near : pick(random, EXTREMES)
  const width = pick(random, [1, 2, 4, 8])
  const encoded = Array.from({ length: width }, (_, place) =>
    Number((number >> BigInt(8 * place)) & 0xffn),
  )
  if (random.integer(4) === 0) encoded.reverse()
  if (random.integer(4) === 0) {
    const varint: number[] = []
    for (let rest = number; varint.length === 0 || rest > 0n; rest >>= 7n) {
      varint.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    }
    return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(varint), bytes.subarray(at + 1)])
  }
  for (const [place, byte] of encoded.entries())
    if (at + place < bytes.length) bytes[at + place] = byte
  return bytes
}
