/**
 * A network as data: layers in the order in which they run, without weights and without a runtime.
 * An architecture is described once in these terms; each emitter (ONNX inference today) walks the same layers.
 */

/** Index of a layer's result; `INPUT` is the normalised photo `[n, 3, size, size]`. */
export type LayerId = number
export const INPUT: LayerId = -1

export interface ConvLayer {
  readonly op: 'conv'
  /** Its kernel is the weight `<name>/kernel` `[filters, channels / groups, k, k]`, its bias `<name>/bias` `[filters]`. */
  readonly name: string
  readonly input: LayerId
  readonly filters: number
  readonly kernelSize: number
  readonly stride: number
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

export type Layer =
  | ConvLayer
  | DenseLayer
  | { readonly op: 'relu6'; readonly input: LayerId }
  | { readonly op: 'add'; readonly inputs: readonly [LayerId, LayerId] }
  /** Mean over height and width: `[n, c, h, w]` → `[n, c]`. */
  | { readonly op: 'global-average-pool'; readonly input: LayerId }

/** The square input that a network was trained on: `(level − mean) / divisor` for levels 0 to 255 in RGB order. */
export interface NetworkInput {
  /** Side in pixels. */
  readonly size: number
  readonly mean: number
  readonly divisor: number
}

export interface Network {
  readonly name: string
  readonly input: NetworkInput
  readonly layers: readonly Layer[]
  /** Results of the network by name, e.g. `features` and `logits`. */
  readonly outputs: Readonly<Record<string, { readonly layer: LayerId; readonly width: number }>>
}

/** Collects layers; each call adds one and gives its id. */
export class NetworkBuilder {
  readonly layers: Layer[] = []

  add(layer: Layer): LayerId {
    this.layers.push(layer)
    return this.layers.length - 1
  }
}

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
