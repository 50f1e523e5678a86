/** Runs a network in double precision by the plainest loops there are: what gradients in single precision are held against. */
import {
  type ConvLayer,
  INPUT,
  type Layer,
  type LayerId,
  type Network,
  type PoolLayer,
  toChannels,
  toPair,
} from '../../src/tensor/network.ts'
import { inferShapes, padsOf, type Shape } from '../../src/tensor/network-shapes.ts'

export type DoubleWeights = ReadonlyMap<string, Float64Array>

/** One photo's `[c, h, w]` or `[c]`. */
interface Numbers extends Shape {
  readonly data: Float64Array
}

const areaOf = ({ height = 1, width = 1 }: Shape) => height * width

/**
 * −Σ target · log(probability) / photos; photos are RGB levels `[n, size, size, 3]`. Convolutions that have a `gamma` among the
 * weights are normalised by the statistics of all photos, with this epsilon.
 */
export function lossOf(
  network: Network,
  weights: DoubleWeights,
  photos: Uint8Array,
  targets: ArrayLike<number>,
  epsilon = 0,
): number {
  const classes = network.outputs['logits']?.width ?? 0
  const count = targets.length / classes
  let loss = 0
  for (const [photo, { data }] of runDouble(network, weights, {
    photos,
    count,
    epsilon,
  }).entries()) {
    const largest = Math.max(...data)
    const log = largest + Math.log(data.reduce((sum, x) => sum + Math.exp(x - largest), 0))
    for (let k = 0; k < classes; k++) loss -= targets[photo * classes + k]! * (data[k]! - log)
  }
  return loss / count
}

/** The logits of each photo. */
function runDouble(
  network: Network,
  weights: DoubleWeights,
  { photos, count, epsilon }: { photos: Uint8Array; count: number; epsilon: number },
): Numbers[] {
  const { size } = network.input
  const shapes = inferShapes(network)
  const inputs = Array.from({ length: count }, (_, photo) =>
    scaled(network, photos.subarray(photo * size * size * 3, (photo + 1) * size * size * 3)),
  )
  /** By layer, then by photo. */
  const results: Numbers[][] = []
  for (const [id, layer] of network.layers.entries()) {
    const shape = shapes[id]!
    const ofPhotos = inputs.map((input, photo) => {
      const get = (from: LayerId): Numbers =>
        from === INPUT
          ? { channels: 3, height: size, width: size, data: input }
          : results[from]![photo]!
      const out = { ...shape, data: new Float64Array(shape.channels * areaOf(shape)) }
      runLayer(layer, get, weights, out)
      return out
    })
    if (layer.op === 'conv' && weights.has(`${layer.name}/gamma`)) {
      normalise(ofPhotos, weights, layer.name, epsilon)
    }
    results.push(ofPhotos)
  }
  return results[network.outputs['logits']?.layer ?? 0]!
}

function scaled({ input: { size, mean, divisor } }: Network, levels: Uint8Array): Float64Array {
  const input = new Float64Array(3 * size * size)
  for (let c = 0; c < 3; c++) {
    for (let at = 0; at < size * size; at++) {
      input[c * size * size + at] =
        (levels[at * 3 + c]! - toChannels(mean)[c]!) / toChannels(divisor)[c]!
    }
  }
  return input
}

/** Batch norm, in place. */
function normalise(
  maps: readonly Numbers[],
  weights: DoubleWeights,
  name: string,
  epsilon: number,
): void {
  const { channels } = maps[0]!
  const area = areaOf(maps[0]!)
  for (let c = 0; c < channels; c++) {
    const values = maps.flatMap(({ data }) => [...data.subarray(c * area, (c + 1) * area)])
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
    const factor = weights.get(`${name}/gamma`)![c]! / Math.sqrt(variance + epsilon)
    for (const { data } of maps) {
      for (let at = c * area; at < (c + 1) * area; at++) {
        data[at] = (data[at]! - mean) * factor + weights.get(`${name}/beta`)![c]!
      }
    }
  }
}

function runLayer(
  layer: Layer,
  get: (id: LayerId) => Numbers,
  weights: DoubleWeights,
  out: Numbers,
): void {
  const weight = (name: string) => weights.get(name) ?? new Float64Array()
  const inputs = ('inputs' in layer ? layer.inputs : [layer.input]).map(get)
  const x = inputs[0]!
  const area = areaOf(x)
  switch (layer.op) {
    case 'conv':
      convolve(layer, x, weight(`${layer.name}/kernel`), weight(`${layer.name}/bias`), out)
      return
    case 'max-pool':
    case 'average-pool':
      pool(layer, x, out)
      return
    case 'dense': {
      const kernel = weight(`${layer.name}/kernel`)
      for (let unit = 0; unit < layer.units; unit++) {
        let sum = weight(`${layer.name}/bias`)[unit]!
        for (let c = 0; c < x.channels; c++) sum += kernel[unit * x.channels + c]! * x.data[c]!
        out.data[unit] = sum
      }
      return
    }
    case 'scale': {
      const [scale, offset] = [weight(`${layer.name}/scale`), weight(`${layer.name}/offset`)]
      for (let at = 0; at < x.data.length; at++) {
        const c = Math.floor(at / area)
        out.data[at] = x.data[at]! * scale[c]! + offset[c]!
      }
      return
    }
    case 'add':
    case 'multiply':
      for (let at = 0; at < out.data.length; at++) {
        const c = Math.floor(at / areaOf(out))
        const [a, b] = inputs.map((part) =>
          areaOf(part) === 1 ? part.data[c]! : part.data[at]!,
        ) as [number, number]
        out.data[at] = layer.op === 'add' ? a + b : a * b
      }
      return
    case 'concat': {
      let from = 0
      for (const part of inputs) {
        out.data.set(part.data, from)
        from += part.data.length
      }
      return
    }
    case 'pad':
    case 'mirror':
      move(layer, x, out)
      return
    case 'global-average-pool':
    case 'global-max-pool':
      for (let c = 0; c < x.channels; c++) {
        const positions = x.data.subarray(c * area, (c + 1) * area)
        out.data[c] =
          layer.op === 'global-max-pool'
            ? Math.max(...positions)
            : positions.reduce((sum, value) => sum + value, 0) / area
      }
      return
    case 'flatten':
      for (let c = 0; c < x.channels; c++) {
        for (let at = 0; at < area; at++) {
          const to = layer.channels === 'slowest' ? c * area + at : at * x.channels + c
          out.data[to] = x.data[c * area + at]!
        }
      }
      return
    case 'to-map':
      out.data.set(x.data)
      return
    case 'unit': {
      const length = Math.sqrt(x.data.reduce((sum, value) => sum + value * value, 0))
      for (let at = 0; at < x.data.length; at++) out.data[at] = x.data[at]! / length
      return
    }
    case 'softmax': {
      for (let at = 0; at < area; at++) {
        let sum = 0
        for (let c = 0; c < x.channels; c++) sum += Math.exp(x.data[c * area + at]!)
        for (let c = 0; c < x.channels; c++) {
          out.data[c * area + at] = Math.exp(x.data[c * area + at]!) / sum
        }
      }
      return
    }
    default:
      for (let at = 0; at < x.data.length; at++) out.data[at] = activate(layer, x.data[at]!)
  }
}

function convolve(
  layer: ConvLayer,
  x: Numbers,
  kernel: Float64Array,
  bias: Float64Array,
  out: Numbers,
): void {
  const { height = 1, width = 1, channels } = x
  const [kh, kw] = toPair(layer.kernelSize)
  const [sy, sx] = toPair(layer.stride)
  const [dy, dx] = toPair(layer.dilation ?? 1)
  const extent = [(kh - 1) * dy + 1, (kw - 1) * dx + 1] as const
  const [top, left] = padsOf(layer.padding, { height, width }, extent, layer.stride)
  const perGroup = channels / layer.groups
  const filtersPerGroup = layer.filters / layer.groups
  let at = 0
  for (let f = 0; f < out.channels; f++) {
    const firstChannel = Math.floor(f / filtersPerGroup) * perGroup
    for (let oy = 0; oy < (out.height ?? 1); oy++) {
      for (let ox = 0; ox < (out.width ?? 1); ox++) {
        let sum = bias[f] ?? 0
        for (let c = 0; c < perGroup; c++) {
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const iy = oy * sy + ky * dy - top
              const ix = ox * sx + kx * dx - left
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue
              const value = x.data[((firstChannel + c) * height + iy) * width + ix]!
              sum += value * kernel[((f * perGroup + c) * kh + ky) * kw + kx]!
            }
          }
        }
        out.data[at++] = sum
      }
    }
  }
}

function pool(layer: PoolLayer, x: Numbers, out: Numbers): void {
  const { height = 1, width = 1 } = x
  const [kh, kw] = toPair(layer.kernelSize)
  const [sy, sx] = toPair(layer.stride)
  const [top, left] = padsOf(layer.padding, { height, width }, [kh, kw], layer.stride)
  let at = 0
  for (let c = 0; c < out.channels; c++) {
    for (let oy = 0; oy < (out.height ?? 1); oy++) {
      for (let ox = 0; ox < (out.width ?? 1); ox++) {
        const seen: number[] = []
        for (let y = oy * sy - top; y < oy * sy - top + kh; y++) {
          for (let column = ox * sx - left; column < ox * sx - left + kw; column++) {
            if (y < 0 || y >= height || column < 0 || column >= width) continue
            seen.push(x.data[(c * height + y) * width + column]!)
          }
        }
        const count = layer.countsPadding === true ? kh * kw : seen.length
        out.data[at++] =
          layer.op === 'max-pool'
            ? Math.max(...seen)
            : seen.reduce((sum, value) => sum + value, 0) / count
      }
    }
  }
}

/** Layers that move numbers. */
function move(layer: Extract<Layer, { op: 'pad' | 'mirror' }>, x: Numbers, out: Numbers): void {
  const { height = 1, width = 1 } = x
  const [top, left] = layer.op === 'pad' ? layer.padding : [0, 0]
  for (let c = 0; c < x.channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let column = 0; column < width; column++) {
        const to = layer.op === 'pad' ? column + left : width - 1 - column
        out.data[(c * (out.height ?? 1) + y + top) * (out.width ?? 1) + to] =
          x.data[(c * height + y) * width + column]!
      }
    }
  }
}

function activate(layer: Layer, x: number): number {
  const alpha = 'alpha' in layer ? layer.alpha : undefined
  const sigmoid = 1 / (1 + Math.exp(-x))
  const hardSigmoid = Math.min(Math.max(x / 6 + 0.5, 0), 1)
  switch (layer.op) {
    case 'relu':
      return Math.max(x, 0)
    case 'relu6':
      return Math.min(Math.max(x, 0), 6)
    case 'leaky-relu':
      return x > 0 ? x : x * (alpha ?? 0.01)
    case 'elu':
      return x > 0 ? x : (alpha ?? 1) * Math.expm1(x)
    case 'sigmoid':
      return sigmoid
    case 'hard-sigmoid':
      return hardSigmoid
    case 'tanh':
      return Math.tanh(x)
    case 'silu':
      return x * sigmoid
    case 'hard-swish':
      return x * hardSigmoid
    case 'gelu':
      return (x / 2) * (1 + errorFunction(x / Math.SQRT2))
    case 'root':
      return Math.sqrt(Math.max(x, 0))
    case 'clip':
      return Math.min(Math.max(x, layer.least), layer.most)
    default:
      throw new Error(`no double precision for ${layer.op}`)
  }
}

/** By its Taylor series, which is exact to double precision for the small numbers of a test. */
function errorFunction(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}
