/** What a tensor of a graph is to us while the graph is read: nothing is computed but constants. */
import type { VergerError } from '../../../core/errors.ts'
import type { LayerId } from '../../../tensor/network.ts'
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
  /** Value = level · scale + offset for red, green and blue. */
  readonly scale: readonly [number, number, number]
  readonly offset: readonly [number, number, number]
  /** Whether what entered are levels 0 to 255 for certain. */
  readonly areLevels: boolean
  readonly type: number
  /** Whether left and right are exchanged. */
  readonly mirrored: boolean
  /** What the graph did to it, each step once. */
  readonly steps: readonly string[]
}

/** The result of a layer. Axes of one position may be missing: a vector has `n` and `c`. */
export interface LayerValue {
  readonly kind: 'layer'
  readonly layer: LayerId
  readonly axes: readonly Axis[]
  /** Where the map was dealt out to several, each with every other position, as TensorFlow computes dilated convolutions. */
  readonly dealt?: Dealt
}

export interface Dealt {
  /** Steps between the positions of one of the maps: height and width. */
  readonly block: readonly [number, number]
  /** Zeros around the map beforehand: `[top, left, bottom, right]`. */
  readonly padding: readonly [number, number, number, number]
  /** Adds the convolution, once it is known how much of the padding counts. */
  readonly convolve?: (padding: readonly [number, number, number, number]) => LayerId
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
