/** Kernels and biases of a network in 8 bit: what an integer computation multiplies and adds. */
import { requireWeight } from './emit-onnx.ts'
import type { ConvLayer, Layer, LayerId, Network } from './network.ts'
import type { FloatTensor, Weights } from './tensor.ts'

/** The least and largest value that a layer gave. */
export interface ValueRange {
  readonly min: number
  readonly max: number
}

/** What a network in float was seen to do with a sample of photos. */
export interface Observation {
  /** Of the normalised photo. */
  readonly input: ValueRange
  /** By layer. */
  readonly layers: readonly ValueRange[]
  /** Mean of each channel, `[channels]`, of what convolutions read. */
  readonly means: ReadonlyMap<LayerId, Float64Array>
}

export interface QuantizedConv {
  /** `[filters, channels / groups, height, width]`, symmetric. */
  readonly kernel: Int8Array
  /** `[filters]` */
  readonly scales: Float32Array
  /** `[filters]`, in float, corrected for what rounding the kernel moves on average. */
  readonly bias: Float32Array
}

const LARGEST = 127

/**
 * Rounds the kernel of a convolution with one scale for each filter.
 *
 * Rounding shifts what a filter gives by its rounding errors times the mean of its inputs; the bias takes that back
 * (bias correction: Nagel et al. 2019, arXiv 1906.04721, section 4.2, here with observed means).
 */
export function quantizeConv(
  network: Network,
  weights: Weights,
  layer: ConvLayer,
  means: Float64Array,
): QuantizedConv {
  const { name, filters, groups } = layer
  const dims = weights.get(`${name}/kernel`)?.dims ?? []
  const kernel = requireWeight(network.name, weights, `${name}/kernel`, dims)
  const bias = Float32Array.from(
    requireWeight(network.name, weights, `${name}/bias`, [filters]).data,
  )
  const scales = filterScales(kernel)
  const perFilter = kernel.data.length / filters
  const channels = means.length / groups
  const perChannel = perFilter / channels
  const integers = new Int8Array(kernel.data.length)
  for (let filter = 0; filter < filters; filter++) {
    const group = Math.floor((filter * groups) / filters)
    for (let i = 0; i < perFilter; i++) {
      const at = filter * perFilter + i
      const value = kernel.data[at]!
      integers[at] = Math.round(value / scales[filter]!)
      const error = value - integers[at]! * scales[filter]!
      bias[filter]! += error * means[group * channels + Math.floor(i / perChannel)]!
    }
  }
  return { kernel: integers, scales, bias }
}

function filterScales({ data, dims }: FloatTensor): Float32Array {
  const filters = dims[0]!
  const perFilter = data.length / filters
  return Float32Array.from({ length: filters }, (_, filter) => {
    let largest = 0
    for (let i = filter * perFilter; i < (filter + 1) * perFilter; i++) {
      largest = Math.max(largest, Math.abs(data[i]!))
    }
    return largest / LARGEST || 1
  })
}

/** Layers that convolutions read, in order. */
export function convInputs({ layers }: Network): LayerId[] {
  const isConv = (layer: Layer): layer is ConvLayer => layer.op === 'conv'
  return [...new Set(layers.filter(isConv).map(({ input }) => input))].sort((a, b) => a - b)
}

/** Gathers what `emitObservation` gave photo by photo. */
export class Observer {
  readonly #network: Network
  readonly #channels: readonly number[]
  readonly #least: Float32Array
  readonly #largest: Float32Array
  readonly #sums: Float64Array
  #photos = 0

  /** `channels`: of each of `convInputs(network)`. */
  constructor(network: Network, channels: readonly number[]) {
    this.#network = network
    this.#channels = channels
    this.#least = new Float32Array(network.layers.length).fill(Number.POSITIVE_INFINITY)
    this.#largest = new Float32Array(network.layers.length).fill(Number.NEGATIVE_INFINITY)
    this.#sums = new Float64Array(channels.reduce((sum, count) => sum + count, 0))
  }

  /** Photos that were added. */
  get photos(): number {
    return this.#photos
  }

  /** `ranges` `[layers · 2]`: least and largest value of each layer; `means` `[sum of channels]`. */
  add(ranges: Float32Array, means: Float32Array): void {
    this.#photos++
    for (let i = 0; i < this.#least.length; i++) {
      this.#least[i] = Math.min(this.#least[i]!, ranges[2 * i]!)
      this.#largest[i] = Math.max(this.#largest[i]!, ranges[2 * i + 1]!)
    }
    for (let i = 0; i < means.length; i++) this.#sums[i]! += means[i]!
  }

  finish(input: ValueRange): Observation {
    const means = new Map<LayerId, Float64Array>()
    let start = 0
    for (const [place, id] of convInputs(this.#network).entries()) {
      const end = start + this.#channels[place]!
      means.set(
        id,
        this.#sums.slice(start, end).map((sum) => sum / this.#photos),
      )
      start = end
    }
    const layers = Array.from(this.#least, (min, i) => ({ min, max: this.#largest[i]! }))
    return { input, layers, means }
  }
}
