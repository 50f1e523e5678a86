/** The shape of every layer's result, for a network's own input size. */
import {
  INPUT,
  type Layer,
  type LayerId,
  type Network,
  type Padding,
  type Pair,
  samePadding,
  toPair,
} from './network.ts'

/** A map `[n, channels, height, width]`, or a vector `[n, channels]` where both are undefined. */
export interface Shape {
  readonly channels: number
  readonly height?: number
  readonly width?: number
}

/** Shapes by layer. RangeError naming the layer where a map is needed and a vector comes, or where sizes do not meet. */
export function inferShapes({ input, layers }: Pick<Network, 'input' | 'layers'>): Shape[] {
  const shapes: Shape[] = []
  const get = (id: LayerId): Shape => {
    if (id === INPUT) return { channels: 3, height: input.size, width: input.size }
    const shape = shapes[id]
    if (shape !== undefined) return shape
    throw new RangeError(`Expected a layer before layer ${shapes.length}, received layer ${id}`)
  }
  for (const [index, layer] of layers.entries()) shapes.push(inferShape(layer, index, get))
  return shapes
}

type Map = Required<Shape>

/** The shape of one layer's result; `get` gives those of earlier layers. RangeError as `inferShapes`. */
export function inferShape(layer: Layer, index: number, get: (id: LayerId) => Shape): Shape {
  const where = `layer ${index} (${'name' in layer ? `${layer.op} ${layer.name}` : layer.op})`
  const map = (id: LayerId): Map => {
    const { channels, height, width } = get(id)
    if (height === undefined || width === undefined) {
      throw new RangeError(`Expected a map before ${where}, received a vector of ${channels}`)
    }
    return { channels, height, width }
  }
  switch (layer.op) {
    case 'conv': {
      const from = map(layer.input)
      const { kernelSize, dilation = 1 } = layer
      const [taps, steps] = [toPair(kernelSize), toPair(dilation)]
      const extent = [0, 1].map((axis) => (taps[axis]! - 1) * steps[axis]! + 1) as [number, number]
      return positive(
        { ...slide(from, extent, layer.stride, layer.padding), channels: layer.filters },
        where,
      )
    }
    case 'max-pool':
    case 'average-pool':
      return positive(
        slide(map(layer.input), toPair(layer.kernelSize), layer.stride, layer.padding),
        where,
      )
    case 'dense': {
      const from = get(layer.input)
      if (from.height === undefined) return { channels: layer.units }
      throw new RangeError(`Expected a vector before ${where}, received a map`)
    }
    case 'add':
    case 'multiply': {
      const [left, right] = layer.inputs.map(get) as [Shape, Shape]
      if (
        left.channels !== right.channels ||
        (left.height === undefined) !== (right.height === undefined)
      ) {
        throw new RangeError(
          `Expected two shapes that meet before ${where}, received ${words(left)} and ${words(right)}`,
        )
      }
      if (left.height === undefined) return left
      const sizes = [left, right] as [Map, Map]
      const meets = (a: number, b: number) => a === b || a === 1 || b === 1
      if (!meets(sizes[0].height, sizes[1].height) || !meets(sizes[0].width, sizes[1].width)) {
        throw new RangeError(
          `Expected two shapes that meet before ${where}, received ${words(left)} and ${words(right)}`,
        )
      }
      return {
        channels: left.channels,
        height: Math.max(sizes[0].height, sizes[1].height),
        width: Math.max(sizes[0].width, sizes[1].width),
      }
    }
    case 'concat': {
      const parts = layer.inputs.map(get)
      const [first] = parts
      if (
        first === undefined ||
        parts.some(({ height, width }) => height !== first.height || width !== first.width)
      ) {
        throw new RangeError(
          `Expected maps of one size before ${where}, received ${parts.map(words).join(', ')}`,
        )
      }
      return { ...first, channels: parts.reduce((sum, { channels }) => sum + channels, 0) }
    }
    case 'pad': {
      const { channels, height, width } = map(layer.input)
      const [top, left, bottom, right] = layer.padding
      return { channels, height: height + top + bottom, width: width + left + right }
    }
    case 'global-average-pool':
    case 'global-max-pool': {
      const { channels } = map(layer.input)
      return layer.staysMap === true ? { channels, height: 1, width: 1 } : { channels }
    }
    case 'flatten': {
      const { channels, height, width } = map(layer.input)
      return { channels: channels * height * width }
    }
    case 'to-map': {
      const { channels, height } = get(layer.input)
      if (height === undefined) return { channels, height: 1, width: 1 }
      throw new RangeError(`Expected a vector before ${where}, received a map`)
    }
    case 'unit': {
      const from = get(layer.input)
      if (from.height === undefined) return from
      throw new RangeError(`Expected a vector before ${where}, received a map`)
    }
    case 'mirror':
      return map(layer.input)
    default:
      return get(layer.input)
  }
}

/** Positions of a window of `extent` that slides over a map. */
function slide(from: Map, extent: readonly [number, number], stride: Pair, padding: Padding): Map {
  const [down, across] = toPair(stride)
  const [top, left, bottom, right] = padsOf(padding, from, extent, stride)
  return {
    channels: from.channels,
    height: Math.floor((from.height + top + bottom - extent[0]) / down) + 1,
    width: Math.floor((from.width + left + right - extent[1]) / across) + 1,
  }
}

/** Zeros `[top, left, bottom, right]` that a rule means for a map of this size and a window of `extent`. */
export function padsOf(
  padding: Padding,
  { height, width }: { readonly height: number; readonly width: number },
  extent: readonly [number, number],
  stride: Pair,
): readonly [number, number, number, number] {
  if (padding === 'valid') return [0, 0, 0, 0]
  if (padding !== 'same') return padding
  const [down, across] = toPair(stride)
  const [top, bottom] = samePadding(height, extent[0], down)
  const [left, right] = samePadding(width, extent[1], across)
  return [top, left, bottom, right]
}

function positive(shape: Map, where: string): Map {
  if (shape.height > 0 && shape.width > 0) return shape
  throw new RangeError(`Expected a map that is large enough for ${where}`)
}

const words = ({ channels, height, width }: Shape): string =>
  height === undefined ? `[${channels}]` : `[${channels}, ${height}, ${width}]`
