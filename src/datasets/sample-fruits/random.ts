/** Random choices that are the same at every run, on every machine, for everything that has a name. */
import { createHash } from 'node:crypto'
import { createRandom } from '../../learn/random.ts'

export type Choices<Choice> = readonly [Choice, ...Choice[]]

/** Draws from sfc32, seeded by a name: the numbers of one photo do not depend on how many photos are made before it. */
export class Random {
  readonly #stream: ReturnType<typeof createRandom>

  constructor(name: string) {
    const hash = createHash('sha256').update(name).digest()
    this.#stream = createRandom(hash.readUIntBE(0, 6))
  }

  /** From 0 to just below 1. */
  next(): number {
    return this.#stream.next()
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** A whole number from `low` to `high`, both possible. */
  integer(low: number, high: number): number {
    return low + this.#stream.integer(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of `choices`, each as likely as the others. */
  pick<Choice>(choices: Choices<Choice>): Choice {
    return choices[this.integer(0, choices.length - 1)] ?? choices[0]
  }
}
