/** One operator of a TFLite file as its reader sees it, and what it gives. */
import type { LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import type { FlatTable } from './flat-table.ts'
import type { TfliteTensor } from './tflite-graph.ts'

/**
 * A result: real numbers, or where there is a step, whole numbers that stand for their product with it. They are what
 * the file keeps in 8 bit, less the zero point.
 */
export interface Value {
  readonly layer: LayerId
  readonly step?: number | undefined
}

/** How a result is kept in 8 bit: as whole numbers from `least` to `most`, which stand for their product with `step`. */
export interface Keeping {
  readonly step: number
  readonly least: number
  readonly most: number
}

export interface OperatorPlace {
  readonly draft: NetworkDraft
  /** Of its first result: names the weights, and the place in messages. */
  readonly name: string
  readonly options: FlatTable | undefined
  /** Its first result, as the file describes it. */
  readonly result: TfliteTensor
  /** Undefined where the result is real. */
  readonly keeping: Keeping | undefined
  readonly inputCount: number
  isConstant(at: number): boolean
  /** The result that is the input at this position. */
  value(at: number): Value
  /** The same in real numbers. */
  layer(at: number): LayerId
  /** A constant input in real numbers; undefined where it is left out. `scales` stands in where it has none. */
  floats(at: number, scales?: readonly number[]): FloatTensor | undefined
  /** A constant input as the whole numbers that it is kept in, less its zero point. */
  wholes(at: number): FloatTensor | undefined
  /** A short constant input, e.g. axes. */
  integers(at: number): readonly number[]
  /** Scales of an input that is quantized. */
  scales(at: number): readonly number[] | undefined
}
