import type { LayerId } from '../../../tensor/network.ts'
import { inferShapes } from '../../../tensor/network-shapes.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { findClassifierEnd } from './classifier-end.ts'
import { type Scaling, takeInputScaling } from './input-scaling.ts'
import { invalidModel } from './model-errors.ts'
import type { NetworkDraft } from './network-draft.ts'
import { prune } from './rewrite.ts'
import { foldScales, simplifyShapes } from './simplify.ts'

export interface DraftEnd {
  /** Of the network, for messages and files. */
  readonly name: string
  /** The layer whose result is the model's. */
  readonly output: LayerId
  /** What the file says beside its graph about the numbers that enter it. */
  readonly scaling?: Scaling | undefined
  readonly labels?: readonly string[] | undefined
  readonly notes?: readonly string[]
}

/**
 * Makes a classifier of a draft: folds scales and batch norms, takes the scaling of the photo and the last softmax off,
 * finds features and logits. Throws `model_unsupported` where the end is no classifier's, and `model_invalid` where the
 * labels of the file are not as many as its outputs.
 */
export function finishModel(draft: NetworkDraft, end: DraftEnd): ForeignModel {
  const { size, layers, weights } = draft
  const tidy = foldScales(prune(simplifyShapes({ size, layers, weights, output: end.output })))
  const input = takeInputScaling(tidy, end.scaling)
  const found = findClassifierEnd(input.graph)
  const graph = prune(found.graph)
  const network = { name: end.name, input: { size, ...input.scaling }, layers: graph.layers }
  const shapes = inferShapes(network)
  const widthOf = (layer: LayerId) => ({ layer, width: shapes[layer]?.channels ?? 3 })
  const logits = widthOf(graph.output)
  const { labels } = end
  if (labels !== undefined && labels.length !== logits.width) {
    throw invalidModel(
      `Expected ${logits.width} labels, one for each output, the file has ${labels.length}`,
    )
  }
  return {
    network: { ...network, outputs: { features: widthOf(graph.features), logits } },
    weights: graph.weights,
    ...(labels === undefined ? {} : { labels }),
    knowsScaling: input.knows,
    notes: [
      ...(end.notes ?? []),
      ...(input.note === undefined ? [] : [input.note]),
      ...found.notes,
    ],
  }
}
