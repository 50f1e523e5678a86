/** Operators that change the shape of a result and none of its numbers. */
import type { LayerId } from '../../../tensor/network.ts'
import { elementCount } from '../../../tensor/tensor.ts'
import { toIntegers, toScalar } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { ChannelValue, GraphValue, LayerValue } from './graph-value.ts'

/** The sizes of a result behind the number of photos, in the order of its axes. */
function sizesOf({ shapeOf }: NodeReader, { id, channelsLast }: LayerValue): number[] {
  const { channels, height, width } = shapeOf(id)
  if (height === undefined || width === undefined) return [channels]
  return channelsLast ? [height, width, channels] : [channels, height, width]
}

const isVector = (reader: NodeReader, id: LayerId): boolean =>
  reader.shapeOf(id).height === undefined

const isOnePosition = (reader: NodeReader, id: LayerId): boolean => {
  const { height, width } = reader.shapeOf(id)
  return height === 1 && width === 1
}

function toVector(reader: NodeReader, { id, channelsLast }: LayerValue): LayerValue {
  const channels = channelsLast ? 'fastest' : 'slowest'
  return {
    kind: 'layer',
    id: reader.draft.vector(reader.node.place, id, channels),
    channelsLast: false,
  }
}

function toMap(reader: NodeReader, { id }: LayerValue, channelsLast: boolean): LayerValue {
  const map = reader.draft.add({ op: 'to-map', input: id }, reader.node.place)
  return { kind: 'layer', id: map, channelsLast }
}

export function flatten(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const axis = node.integer('axis', 1)
  const rank = 1 + sizesOf(reader, x).length
  if ((axis < 0 ? axis + rank : axis) !== 1) throw node.unsupported(`the axis ${axis}`)
  return toVector(reader, x)
}

/** To a vector, to a map of one position, or to the shape that is there already. */
export function reshape(reader: NodeReader): GraphValue {
  const { node, batch } = reader
  const x = reader.layer(0)
  const own = sizesOf(reader, x)
  const given = node.isGiven(1) ? toIntegers(node.requireConstant(1)) : node.integers('shape')
  const [photos = 0, ...asked] = given ?? []
  const copied = asked.map((size, at) => (size === 0 ? (own[at] ?? Number.NaN) : size))
  const known = elementCount(copied.filter((size) => size !== -1))
  const sizes = copied.map((size) => (size === -1 ? elementCount(own) / known : size))
  const keepsPhotos =
    Number.isNaN(photos) || photos === 0 || photos === 1 || photos === batch || photos === -1
  if (keepsPhotos && elementCount(sizes) === elementCount(own)) {
    if (sizes.join() === own.join()) return x
    if (sizes.length === 1) return toVector(reader, x)
    const [first, second, third] = sizes
    const isMap = sizes.length === 3
    if (isMap && (isVector(reader, x.id) || isOnePosition(reader, x.id))) {
      const vector = toVector(reader, x)
      if (second === 1 && third === 1) return toMap(reader, vector, false)
      if (first === 1 && second === 1) return toMap(reader, vector, true)
    }
  }
  const words = (given ?? []).map((size) => (Number.isNaN(size) ? 'n' : size)).join(', ')
  throw node.unsupported(`the shape [${words}] for photos of [${own.join(', ')}]`)
}

/** Axes of length one vanish: height and width, or the only channel. */
export function squeeze(reader: NodeReader): GraphValue {
  const { node } = reader
  const value = reader.value(0)
  if (value.kind === 'channel') {
    if (!value.isMap || node.axes(1, 4)?.join() !== '1') throw node.unsupported('other axes than 1')
    return { ...value, isMap: false }
  }
  const x = reader.layer(0)
  const sizes = sizesOf(reader, x)
  const ones = sizes.flatMap((size, at) => (size === 1 ? [at + 1] : []))
  const axes = (node.axes(1, sizes.length + 1) ?? ones).toSorted((a, b) => a - b)
  if (axes.length === 0) return x
  if (!isOnePosition(reader, x.id) || axes.join() !== (x.channelsLast ? '1,2' : '2,3')) {
    throw node.unsupported(`the axes [${axes.join(', ')}] for photos of [${sizes.join(', ')}]`)
  }
  return toVector(reader, x)
}

export function unsqueeze(reader: NodeReader): GraphValue {
  const { node } = reader
  const value = reader.value(0)
  const axes = node.axes(1, 4)?.toSorted((a, b) => a - b)
  if (value.kind === 'channel') {
    if (value.isMap || axes?.join() !== '1') throw node.unsupported('other axes than 1')
    return { ...value, isMap: true }
  }
  const x = reader.layer(0)
  if (isVector(reader, x.id) && axes?.join() === '2,3') return toMap(reader, x, false)
  if (isVector(reader, x.id) && axes?.join() === '1,2') return toMap(reader, x, true)
  throw node.unsupported(`the axes [${axes?.join(', ') ?? ''}]`)
}

/** Between channels first and channels last. */
export function transpose(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const perm = node.integers('perm')?.join()
  if (perm === '0,1,2,3' || perm === '0,1') return x
  if (!isVector(reader, x.id)) {
    if (perm === '0,2,3,1' && !x.channelsLast) return { ...x, channelsLast: true }
    if (perm === '0,3,1,2' && x.channelsLast) return { ...x, channelsLast: false }
  }
  throw node.unsupported(`the order of axes [${perm ?? ''}]`)
}

/** One channel of a map, by `Gather` or `Slice`; a slice of everything changes nothing. */
export function sliceChannel(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  if (isVector(reader, x.id) || x.channelsLast) throw node.unsupported('a part of the features')
  const { channels } = reader.shapeOf(x.id)
  const one = (channel: number, isMap: boolean): ChannelValue => {
    const place = channel < 0 ? channel + channels : channel
    if (!Number.isSafeInteger(place) || place < 0 || place >= channels) {
      throw node.invalid(`no channel ${channel} of ${channels}`)
    }
    return { kind: 'channel', of: x.id, channel: place, scale: 1, offset: 0, isMap }
  }
  if (node.op === 'Gather') {
    const indices = node.requireConstant(1)
    const channel = toScalar(indices)
    if (node.integer('axis', 0) !== 1 || channel === undefined) {
      throw node.unsupported('something else than one channel')
    }
    return one(channel, indices.dims.length > 0)
  }
  const slices = node.slices()
  const [slice] = slices ?? []
  const { width = 0 } = reader.shapeOf(x.id)
  const isMirror = slice?.axis === 3 && slice.step === -1 && slice.start === -1
  if (slices?.length === 1 && isMirror && slice.end < -width) {
    return { ...x, id: reader.draft.add({ op: 'mirror', input: x.id }, node.place) }
  }
  if (slices?.length !== 1 || slice?.step !== 1) throw node.unsupported('several axes or steps')
  const length = [1, ...sizesOf(reader, x)][slice.axis] ?? 0
  if (slice.start === 0 && slice.end >= length && slice.axis > 0) return x
  if (slice.axis !== 1 || slice.end !== slice.start + 1) {
    throw node.unsupported('something else than one channel')
  }
  return one(slice.start, true)
}
