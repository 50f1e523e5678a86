import type { Network } from '../tensor/network.ts'
import type { Weights } from '../tensor/tensor.ts'

/** A classifier that was made elsewhere, in our own terms. */
export interface ForeignModel {
  /**
   * Outputs `features` (what the last dense layer reads, `[n, width]`) and `logits` (before the softmax, which is taken
   * off). Where there is no dense layer at the end, both are the logits.
   */
  readonly network: Network
  readonly weights: Weights
  /** Names of the classes where the format tells them. */
  readonly labels?: readonly string[]
  /** Whether the file tells how levels are scaled; else `network.input` holds a guess and the user must say. */
  readonly knowsScaling: boolean
  /** What was recognised and replaced, one sentence each, for the report. */
  readonly notes: readonly string[]
}
