/**
 * A network as data: layers in the order in which they run, without weights and without a runtime.
 * An architecture is described once in these terms, and a foreign graph is read into them; each emitter walks the same layers.
 * Plain data: a network can be stored as JSON.
 */

/** Index of a layer's result; `INPUT` is the normalised photo `[n, 3, size, size]`. */
export type LayerId = number
export const INPUT: LayerId = -1

/** The same for both axes, or `[height, width]`. */
export type Pair = number | readonly [number, number]

/**
 * Zeros around a map: TensorFlow's SAME (`ceil(size / stride)` positions, the odd pixel at the end), none, or as many as
 * `[top, left, bottom, right]` says.
 */
export type Padding = 'same' | 'valid' | readonly [number, number, number, number]

export interface ConvLayer {
  readonly op: 'conv'
  /** Its kernel is the weight `<name>/kernel` `[filters, channels / groups, height, width]`, its bias `<name>/bias` `[filters]`. */
  readonly name: string
  readonly input: LayerId
  readonly filters: number
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Padding
  /** Steps between the taps of the kernel; 1 where it is left out. */
  readonly dilation?: Pair
  /** Equal to the number of input channels in a depthwise convolution. */
  readonly groups: number
}

export interface DenseLayer {
  readonly op: 'dense'
  /** Its kernel is the weight `<name>/kernel` `[units, features]`, its bias `<name>/bias` `[units]`. */
  readonly name: string
  readonly input: LayerId
  readonly units: number
}

export interface PoolLayer {
  readonly op: 'max-pool' | 'average-pool'
  readonly input: LayerId
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Padding
  /** Whether an average counts the zeros around the map, as PyTorch does by default and TensorFlow does not. */
  readonly countsPadding?: boolean
}

/**
 * - `relu6`: between 0 and 6. `hard-sigmoid`: `relu6(x + 3) / 6`. `hard-swish`: `x · hard-sigmoid(x)`. `silu`: `x · sigmoid(x)`.
 * - `root`: the square root of what is positive, else 0. `gelu`: exact, by the error function. `leaky-relu`, `elu`: with `alpha`. `softmax`: over the channels or features.
 */
export const ACTIVATIONS = [
  'relu',
  'relu6',
  'leaky-relu',
  'elu',
  'sigmoid',
  'hard-sigmoid',
  'tanh',
  'silu',
  'hard-swish',
  'gelu',
  'root',
  'softmax',
] as const
export type Activation = (typeof ACTIVATIONS)[number]

export interface ActivationLayer {
  readonly op: Activation
  readonly input: LayerId
  /** Of `leaky-relu` and `elu`. */
  readonly alpha?: number
}

/** Per channel or feature: `x · scale + offset`, both weights `[channels]`: `<name>/scale`, `<name>/offset`. */
export interface ScaleLayer {
  readonly op: 'scale'
  readonly name: string
  readonly input: LayerId
}

export type Layer =
  | ConvLayer
  | DenseLayer
  | PoolLayer
  | ActivationLayer
  | ScaleLayer
  /** Element by element; a map of one position `[n, c, 1, 1]` meets every position of the other. */
  | { readonly op: 'add' | 'multiply'; readonly inputs: readonly [LayerId, LayerId] }
  /** Channels after channels, or features after features. */
  | { readonly op: 'concat'; readonly inputs: readonly LayerId[] }
  /** Zeros around the map: `[top, left, bottom, right]`. */
  | {
      readonly op: 'pad'
      readonly input: LayerId
      readonly padding: readonly [number, number, number, number]
    }
  /** Over height and width: `[n, c, h, w]` → `[n, c]`, or `[n, c, 1, 1]` where it stays a map. */
  | {
      readonly op: 'global-average-pool' | 'global-max-pool'
      readonly input: LayerId
      readonly staysMap?: boolean
    }
  /** `[n, c, h, w]` → `[n, c · h · w]`, with the channels varying slowest (as PyTorch stores maps) or fastest (as TensorFlow does). */
  | { readonly op: 'flatten'; readonly input: LayerId; readonly channels: 'slowest' | 'fastest' }
  /** A vector as a map of one position: `[n, c]` → `[n, c, 1, 1]`. */
  | { readonly op: 'to-map'; readonly input: LayerId }
  /** A vector divided by its length, so that it has the length 1; one of zeros stays. */
  | { readonly op: 'unit'; readonly input: LayerId }
  /** Left and right exchanged. */
  | { readonly op: 'mirror'; readonly input: LayerId }
  /** To whole numbers; what lies in the middle goes to the even one, or up. */
  | { readonly op: 'round'; readonly input: LayerId; readonly halves: 'even' | 'up' }
  | {
      readonly op: 'clip'
      readonly input: LayerId
      readonly least: number
      readonly most: number
    }

/** One number for all channels, or one each for red, green and blue. */
export type PerChannel = number | readonly [number, number, number]

/** The square input that a network was trained on: `(level − mean) / divisor` for levels 0 to 255 in RGB order. */
export interface NetworkInput {
  /** Side in pixels. */
  readonly size: number
  /** Whether the model serves this side alone, as one in 8 bit does, whose ranges were observed at it. */
  readonly isFixed?: boolean
  readonly mean: PerChannel
  readonly divisor: PerChannel
}

export interface Network {
  readonly name: string
  readonly input: NetworkInput
  readonly layers: readonly Layer[]
  /** Results of the network by name, e.g. `features` and `logits`. */
  readonly outputs: Readonly<Record<string, { readonly layer: LayerId; readonly width: number }>>
  /** Results inside that have a name of their own beside those of their layers, e.g. the end of a block. */
  readonly stages?: Readonly<Record<string, LayerId>>
}

/** Collects layers; each call adds one and gives its id. */
export class NetworkBuilder {
  readonly layers: Layer[] = []

  add(layer: Layer): LayerId {
    this.layers.push(layer)
    return this.layers.length - 1
  }
}

/** Height and width. */
export const toPair = (value: Pair): readonly [number, number] =>
  typeof value === 'number' ? [value, value] : value

/** Red, green and blue. */
export const toChannels = (value: PerChannel): readonly [number, number, number] =>
  typeof value === 'number' ? [value, value, value] : value

/**
 * Padding before and after one axis so that a convolution gives `ceil(size / stride)` positions:
 * TensorFlow's SAME, where the odd pixel goes to the end
 * (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
 */
export function samePadding(size: number, kernelSize: number, stride: number): [number, number] {
  const positions = Math.ceil(size / stride)
  const total = Math.max((positions - 1) * stride + kernelSize - size, 0)
  const before = Math.floor(total / 2)
  return [before, total - before]
}

/** The results that a layer reads, in its own order. */
export const inputsOf = (layer: Layer): readonly LayerId[] =>
  'inputs' in layer ? layer.inputs : [layer.input]
