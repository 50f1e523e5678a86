/** Random numbers that are the same at every run, on every machine, for everything that has a name. */
import { createHash } from 'node:crypto'

/**
 * sfc32, the generator of Chris Doty-Humphrey's PractRand (public domain, https://pracrand.sourceforge.net): 128 bits of
 * state, a period of at least 2^32. The state is seeded by the SHA-256 of a name, so the numbers of one photo do not
 * depend on how many photos are made before it.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(name: string) {
    const seed = createHash('sha256').update(name).digest()
    this.#a = seed.readInt32LE(0)
    this.#b = seed.readInt32LE(4)
    this.#c = seed.readInt32LE(8)
    this.#counter = 1
  }

  /** A number from 0 to just below 1, in steps of 2^-32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** A whole number from `low` to `high`, both possible. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of `choices`, each as likely as the others. */
  pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice {
    return choices[this.integer(0, choices.length - 1)] ?? choices[0]
  }
}
