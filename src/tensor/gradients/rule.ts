/** What each kind of layer knows: its result, and how a gradient passes it. */
import type { Value } from '../graph-builder.ts'
import type { Layer, LayerId } from '../network.ts'
import type { Shape } from '../network-shapes.ts'
import type { Flow } from './flow.ts'
import type { MapLayout } from './map-layout.ts'
import type { StepGraph } from './step-graph.ts'

/** What a rule reads and writes. */
export interface RuleContext {
  readonly graph: StepGraph
  readonly layout: MapLayout
  /** Photos of a batch. */
  readonly photos: number
  /** The result of an earlier layer. */
  flow(id: LayerId): Flow
  /** Makes a flow of one form. */
  make(shape: Shape, forms: { plain?: Value; rows?: Value; map?: Value }): Flow
  /** The present value of a weight that trains. */
  weight(name: string): Value
}

/** What a rule reads and writes on the way back. */
export interface BackwardContext extends RuleContext {
  /** Whether anything that trains lies before this layer. */
  wantsGradient(id: LayerId): boolean
  /** Adds to the gradient of an earlier layer's result. */
  give(id: LayerId, gradient: Flow): void
  /** Says the gradient of a weight, of the weight's own shape. */
  giveWeight(name: string, gradient: Value): void
}

export interface Rule<L extends Layer = Layer> {
  /** The weights of the layer by name, `from` being the shape of its first input. */
  weights?(layer: L, from: Shape): Readonly<Record<string, readonly number[]>>
  /** `shape` is that of the result. */
  forward(context: RuleContext, layer: L, shape: Shape): Flow
  /** `result` is what `forward` gave, `gradient` that of the loss by it. */
  backward(context: BackwardContext, layer: L, gradient: Flow, result: Flow): void
}
