/** Random numbers that a seed repeats on every machine. */

/** A stream of random numbers; every call moves it on. */
export interface Random {
  /** Uniform in `[0, 1)` with 53 random bits. */
  next(): number
  /** Uniform over the whole numbers `[0, end)`, without the bias of a remainder; `end` from 1 to 2³². */
  integer(end: number): number
  /** Brings `array` into a random order in place (Fisher-Yates) and returns it. */
  shuffle<Items extends Shuffled>(array: Items): Items
}

/** An array or typed array. */
interface Shuffled {
  readonly length: number
  [index: number]: unknown
}

const TWO_TO_32 = 2 ** 32

/** Outputs that are thrown away until the seed has reached every bit of the state, as PractRand's author does. */
const WARM_UP = 12

/**
 * The generator sfc32 (Chris Doty-Humphrey, PractRand 0.94, 2010), its state filled from the seed by splitmix32 (the
 * finaliser of Austin Appleby's MurmurHash3 over a Weyl sequence). `seed` is a whole number up to 2⁵³ - 1 in size;
 * anything else is a RangeError. Not for secrets.
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Expected a whole number up to 2^53 - 1 as seed, received ${seed}`)
  }
  const low = splitMix32(seed | 0)
  const high = splitMix32(Math.floor(seed / TWO_TO_32) | 0)
  let a = low()
  let b = high()
  let c = (low() + high()) | 0
  let counter = 1

  const next32 = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < WARM_UP; i++) next32()

  const integer = (end: number): number => {
    if (!Number.isSafeInteger(end) || end < 1 || end > TWO_TO_32) {
      throw new RangeError(`Expected a whole number from 1 to 2^32, received ${end}`)
    }
    const fair = TWO_TO_32 - (TWO_TO_32 % end)
    let bits = next32()
    while (bits >= fair) bits = next32()
    return bits % end
  }

  return {
    next() {
      const upper = next32() >>> 5
      const lower = next32() >>> 6
      return (upper * 2 ** 26 + lower) / 2 ** 53
    },
    integer,
    shuffle(array) {
      // The type parameter keeps the caller's type; inside, only positions are swapped.
      const items: Shuffled = array
      for (let last = items.length - 1; last > 0; last--) {
        const other = integer(last + 1)
        const item = items[last]
        items[last] = items[other]
        items[other] = item
      }
      return array
    },
  }
}

function splitMix32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x85ebca6b)
    mixed ^= mixed >>> 13
    mixed = Math.imul(mixed, 0xc2b2ae35)
    return mixed ^ (mixed >>> 16)
  }
}
