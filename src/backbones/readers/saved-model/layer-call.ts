/** A node of a network with what it reads: how operators take their inputs apart. */
import type { LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import type { Constant } from './constant.ts'
import type { Call } from './evaluate.ts'
import type { Reading } from './reading.ts'
import type { LayerValue, Value } from './value.ts'

/** The largest float32 stands for no bound. */
export const UNBOUNDED = 3.4028234663852886e38

/** A call whose first layer is `x`. */
export interface LayerCall extends Call {
  readonly x: LayerValue
  readonly draft: NetworkDraft
  readonly reading: Reading
}

export type LayerOperator = (call: LayerCall) => Value

export const refuse = ({ place }: Pick<Call, 'place'>, expected: string) =>
  unsupportedModel(`${place}: expected ${expected}`)

/** An input that must be a constant. */
export function constant(call: Call, at: number): Constant {
  const value = call.inputs[at]
  if (value?.kind === 'constant') return value
  throw refuse(call, `a constant as input ${at}, received something that is computed`)
}

export function scalar(call: Call, at: number): number {
  const { data } = constant(call, at)
  if (data.length === 1 && !Number.isNaN(data[0])) return data[0]!
  throw refuse(call, `one known number as input ${at}`)
}

/** Known whole numbers. */
export function whole(call: Call, at: number): number[] {
  const numbers = [...constant(call, at).data]
  if (numbers.every(Number.isSafeInteger)) return numbers
  throw refuse(call, `known whole numbers as input ${at}`)
}

export function floats(call: Call, at: number, rank: number): FloatTensor {
  const { dims, data } = constant(call, at)
  if (dims.length !== rank) {
    throw invalidModel(`${call.place}: expected ${rank} axes, received [${dims.join(', ')}]`)
  }
  return { dims, data: data instanceof Float32Array ? data : Float32Array.from(data) }
}

export const channelsOf = ({ draft, x }: LayerCall, value = x): number =>
  draft.shape(value.layer).channels

export const same = (x: LayerValue, layer: LayerId): LayerValue => ({ ...x, layer })

/** `x · scale + offset` with one number for all channels. */
export function affine(
  { reading, draft, node }: LayerCall,
  x: LayerValue,
  scale: number,
  offset: number,
): LayerValue {
  const { channels } = draft.shape(x.layer)
  const all = (value: number) => Array<number>(channels).fill(value)
  return same(x, reading.scaled(node.name, x.layer, all(scale), all(offset)))
}

/** Refuses the beginning of a layer that goes on otherwise than it does anywhere known. */
export function refusePiece(call: LayerCall): void {
  for (const input of call.inputs) {
    if (input.kind !== 'layer' || input.piece === undefined) continue
    throw refuse(call, `the rest of a layer that began as ${input.piece.kind}`)
  }
}
