/** A network in the making: what readers of whole graphs add layers to, as the file has them. */
import { type ConvLayer, INPUT, type Layer, type LayerId } from '../../../tensor/network.ts'
import { inferShape, type Shape } from '../../../tensor/network-shapes.ts'
import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from './model-errors.ts'

/** Sides that photos are squashed to: smaller holds nothing, larger is no classifier's. */
const MAX_SIDE = 2048
/** Numbers of one map, for one photo: 256 MiB of float32. A file of some bytes can ask for any size. */
const MAX_MAP = 2 ** 26
/** Numbers of all weights together: 1 GiB of float32. */
const MAX_WEIGHTS = 2 ** 28
const MAX_NAME = 120

/** Adds layers one after the other, each with a name for its weights that no other has. */
export class NetworkDraft {
  readonly layers: Layer[] = []
  readonly weights = new Map<string, FloatTensor>()
  /** Side of the square input in pixels. */
  readonly size: number
  readonly #shapes: Shape[] = []
  /** How often each name was asked for. */
  readonly #names = new Map<string, number>()
  #weightCount = 0

  /** Throws `model_unsupported` where the input is not square or has a side that no photo is squashed to. */
  constructor(height: number, width: number) {
    if (height !== width || !Number.isSafeInteger(width) || width < 1 || width > MAX_SIDE) {
      throw unsupportedModel(
        `Expected a square input of 1 to ${MAX_SIDE} pixels, received ${height} × ${width}`,
      )
    }
    this.size = width
  }

  shape(id: LayerId): Shape {
    if (id === INPUT) return { channels: 3, height: this.size, width: this.size }
    const shape = this.#shapes[id]
    if (shape !== undefined) return shape
    throw new RangeError(`Expected a layer below ${this.layers.length}, received ${id}`)
  }

  /** Adds a layer whose weights, if it has any, are there. `node` is its place in the file, for messages. */
  add(layer: Layer, node: string): LayerId {
    let shape: Shape
    try {
      shape = inferShape(layer, this.layers.length, (id) => this.shape(id))
    } catch (cause) {
      const { message } = cause as Error
      throw unsupportedModel(`${node}: ${message}`, cause)
    }
    const { channels, height = 1, width = 1 } = shape
    const sizes = [channels, height, width]
    if (!sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
      throw invalidModel(`${node}: expected a shape, received [${sizes.join(', ')}]`)
    }
    if (elementCount(sizes) > MAX_MAP) {
      throw unsupportedModel(
        `${node}: expected a map of at most ${MAX_MAP} numbers, received [${sizes.join(', ')}]`,
      )
    }
    this.layers.push(layer)
    this.#shapes.push(shape)
    return this.layers.length - 1
  }

  /** A convolution with its kernel `[filters, channels / groups, height, width]`; without a bias it gets zeros. */
  conv(
    node: string,
    options: Pick<ConvLayer, 'input' | 'stride' | 'padding' | 'dilation' | 'groups'>,
    kernel: FloatTensor,
    bias?: FloatTensor,
  ): LayerId {
    const { input, groups, stride, dilation = 1 } = options
    const { channels } = this.shape(input)
    const [filters = 0, perGroup = 0, height = 0, width = 0] = kernel.dims
    const counts = [filters, perGroup, height, width, groups, stride, dilation].flat()
    const fits =
      perGroup * groups === channels && filters % groups === 0 && kernel.dims.length === 4
    if (!counts.every((count) => Number.isSafeInteger(count) && count > 0) || !fits) {
      throw invalidModel(
        `${node}: expected a kernel for ${channels} channels, received [${kernel.dims.join(', ')}] in ${groups} groups`,
      )
    }
    const name = this.#nameOf(node)
    this.#keep(node, `${name}/kernel`, kernel, kernel.dims)
    this.#keep(node, `${name}/bias`, bias ?? zeros(filters), [filters])
    const layer = { op: 'conv', name, filters, kernelSize: [height, width], ...options } as const
    return this.add(layer, node)
  }

  /** A dense layer with its kernel `[units, features]`; without a bias it gets zeros. */
  dense(node: string, input: LayerId, kernel: FloatTensor, bias?: FloatTensor): LayerId {
    const { channels } = this.shape(input)
    const [units = 0] = kernel.dims
    const name = this.#nameOf(node)
    this.#keep(node, `${name}/kernel`, kernel, [units, channels])
    this.#keep(node, `${name}/bias`, bias ?? zeros(units), [units])
    return this.add({ op: 'dense', name, input, units }, node)
  }

  /** `x · scale + offset` per channel. */
  scale(
    node: string,
    input: LayerId,
    scale: Float32Array | readonly number[],
    offset: Float32Array | readonly number[],
  ): LayerId {
    const { channels } = this.shape(input)
    const name = this.#nameOf(node)
    for (const [which, values] of [
      ['scale', scale],
      ['offset', offset],
    ] as const) {
      const tensor = { dims: [values.length], data: Float32Array.from(values) }
      this.#keep(node, `${name}/${which}`, tensor, [channels])
    }
    return this.add({ op: 'scale', name, input }, node)
  }

  /** Batch norm at inference: `(x − mean) / √(variance + epsilon) · gamma + beta`, folded later where that is possible. */
  batchNorm(
    node: string,
    input: LayerId,
    norm: {
      readonly mean: FloatTensor
      readonly variance: FloatTensor
      readonly gamma?: FloatTensor | undefined
      readonly beta?: FloatTensor | undefined
      readonly epsilon: number
    },
  ): LayerId {
    const { channels } = this.shape(input)
    const { mean, variance, gamma, beta, epsilon } = norm
    for (const tensor of [mean, variance, gamma, beta]) {
      if (tensor !== undefined && tensor.data.length !== channels) {
        throw invalidModel(
          `${node}: expected statistics of ${channels} channels, received ${tensor.data.length}`,
        )
      }
    }
    const scale = Array.from(
      variance.data,
      (value, at) => (gamma?.data[at] ?? 1) / Math.sqrt(value + epsilon),
    )
    const offset = scale.map((value, at) => (beta?.data[at] ?? 0) - mean.data[at]! * value)
    return this.scale(node, input, scale, offset)
  }

  /** The result as a vector: a map is flattened with its channels in the order that the format has. */
  vector(node: string, input: LayerId, channels: 'slowest' | 'fastest'): LayerId {
    if (this.shape(input).height === undefined) return input
    return this.add({ op: 'flatten', input, channels }, node)
  }

  #keep(node: string, name: string, tensor: FloatTensor, dims: readonly number[]): void {
    if (tensor.data.length !== elementCount(dims) || tensor.dims.join() !== dims.join()) {
      throw invalidModel(
        `${node}: expected a weight of shape [${dims.join(', ')}], received [${tensor.dims.join(', ')}]`,
      )
    }
    this.#weightCount += tensor.data.length
    if (this.#weightCount > MAX_WEIGHTS) {
      throw unsupportedModel(`Expected at most ${MAX_WEIGHTS} weights, received more at ${node}`)
    }
    this.weights.set(name, tensor)
  }

  /** Short, and of characters that every format has in names: TensorFlow's are the strictest. */
  #nameOf(node: string): string {
    const base =
      node
        .replace(/[^\w./-]+/g, '_')
        .replace(/^[^a-z\d]+/i, '')
        .slice(0, MAX_NAME) || 'layer'
    let name: string
    do {
      const count = (this.#names.get(base) ?? 0) + 1
      this.#names.set(base, count)
      name = count === 1 ? base : `${base}_${count}`
    } while (name !== base && this.#names.has(name))
    this.#names.set(name, this.#names.get(name) ?? 1)
    return name
  }
}

const zeros = (count: number): FloatTensor => ({ dims: [count], data: new Float32Array(count) })
