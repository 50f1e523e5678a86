/** What a tensor of a graph is to us while the graph is read: nothing is computed but constants. */
import type { VergerError } from '../../../core/errors.ts'
import type { ConvLayer, LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import type { Constant, Texts } from './constant.ts'

/** Photos of the batch, channels, rows, columns. */
export type Axis = 'n' | 'c' | 'h' | 'w'

/** A photo on its way to the network: text or bytes that hold it, or its levels, perhaps scaled. */
export interface Photo {
  readonly kind: 'photo'
  /** Name of the input that it came in by. */
  readonly input: string
  readonly stage: 'encoded' | 'pixels'
  readonly axes: readonly Axis[]
  /** Where they are known. */
  readonly height?: number | undefined
  readonly width?: number | undefined
  /** Value = level · scale + offset for each colour, in the order in which they are now. */
  readonly scale: readonly [number, number, number]
  readonly offset: readonly [number, number, number]
  /** Whether what entered are levels 0 to 255 for certain. */
  readonly areLevels: boolean
  readonly type: number
  /** Whether left and right are exchanged. */
  readonly mirrored: boolean
  /** Whether blue comes first, as in networks that were trained by Caffe. */
  readonly isBlueFirst: boolean
  /** What the graph did to it, each step once. */
  readonly steps: readonly string[]
}

/** The result of a layer. Axes of one position may be missing: a vector has `n` and `c`. */
export interface LayerValue {
  readonly kind: 'layer'
  readonly layer: LayerId
  readonly axes: readonly Axis[]
  /** Where the value is the beginning of a layer that the graph writes in several nodes. */
  readonly piece?: Piece
}

type Sides = readonly [number, number, number, number]

export type Piece =
  /**
   * A map that was dealt out to several, each with every other position, as TensorFlow computes dilated convolutions.
   * `block`: steps between the positions, height and width. `padding`: zeros around the map, `[top, left, bottom, right]`.
   */
  | {
      readonly kind: 'dealt'
      readonly block: readonly [number, number]
      readonly padding: Sides
      /** Adds the convolution, once it is known how much of the padding counts. */
      readonly convolve?: (padding: Sides) => LayerId
    }
  /** A margin around a map that no maximum is in. */
  | { readonly kind: 'margin'; readonly padding: Sides }
  /** Some channels of a map. */
  | { readonly kind: 'channels'; readonly begin: number; readonly size: number }
  /** What a convolution makes of some channels; the others follow. */
  | { readonly kind: 'group'; readonly begin: number; readonly group: ConvGroup }
  /** `factor · (e^x − 1)` where `x` is below 0, else 0. */
  | { readonly kind: 'expm1'; readonly factor: number }
  /** `erf(x / √2)`, and 1 more. */
  | { readonly kind: 'erf' }
  | { readonly kind: 'erf-share' }

/** One of the convolutions that are one in groups together. */
export interface ConvGroup {
  /** `[filters, channels, height, width]` */
  readonly kernel: FloatTensor
  readonly options: Pick<ConvLayer, 'stride' | 'padding' | 'dilation'>
}

/** A list that a loop reads or fills: any of its elements. */
export interface ListValue {
  readonly kind: 'list'
  readonly element: Value | undefined
}

/** A step on the way from a vector to its length, or to one divided by it. */
export interface LengthValue {
  readonly kind: 'length'
  readonly of: LayerValue
  readonly step: 'squares' | 'sum' | 'length' | 'inverse'
}

/** Random numbers, equally distributed. */
export interface RandomValue {
  readonly kind: 'random'
  readonly low: number
  readonly high: number
}

export type Value =
  | Constant
  | Texts
  | Photo
  | LayerValue
  | ListValue
  | LengthValue
  | RandomValue
  /** A variable, by the node that makes it. */
  | { readonly kind: 'variable'; readonly name: string }
  /** On the branch that is never taken. */
  | { readonly kind: 'dead' }
  /** Cannot be expressed; matters only where the classifier needs it. */
  | { readonly kind: 'refused'; readonly error: VergerError }
