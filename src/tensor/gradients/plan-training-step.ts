import type { Network } from '../network.ts'
import type { Weights } from '../tensor.ts'
import type { TrainingOptions, TrainingState, TrainingStep } from './training-step.ts'

/**
 * Plans the training of `network` from `weights`, which need its output `logits`; photos have the side of its input.
 * Throws `usage_invalid` where `trainFrom` names no block or layer, and `backbone_damaged` where a weight is missing.
 */
export function planTrainingStep(
  network: Network,
  weights: Weights,
  options: TrainingOptions,
): TrainingStep {
  throw new Error(`not yet: ${network.name}, ${weights.size} weights, ${options.batchSize} photos`)
}

/**
 * The weights that trained, by their names in the network, batch norm folded; those of the moving average where `averaged`.
 * Together with the weights that did not train they make the network that serves.
 */
export function trainedWeights(
  step: TrainingStep,
  state: TrainingState,
  { averaged }: { readonly averaged: boolean },
): Weights {
  throw new Error(`not yet: ${step.size}, ${state.steps}, ${averaged}`)
}
