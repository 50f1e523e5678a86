/** How a head can be trained, and what came of it. */
import type { Scaling } from './scaling.ts'

export type Method = 'logistic regression' | 'nearest centroids'

export interface HeadSetting {
  readonly method: Method
  readonly scaling: Scaling
  /** Strength on the mean loss of scaled features; 0 for centroids. */
  readonly l2: number
}

/** A setting that was tried, with what rows that it had not seen say of it. */
export interface Trial extends HeadSetting {
  readonly accuracy: number
  /** Mean −log p of the label after its temperature. */
  readonly loss: number
  readonly temperature: number
}

export interface SearchOptions {
  readonly seed: number
  /** Cores that the matrix products may use. */
  readonly threads: number
  /** Called after each step, with the setting that was judged where there is one; throws to stop. */
  onStep?(trial?: Trial): void
}
