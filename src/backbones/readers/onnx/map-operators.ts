/** ONNX operators over height, width and channels: pools, zeros around a map, maps side by side. */
import type { Layer, Padding } from '../../../tensor/network.ts'
import { toIntegers, toScalar } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue } from './graph-value.ts'
import { layerValue, pair, type Read, requireMap, squared } from './layer-operators.ts'
import { poolPadding } from './windows.ts'

export const pool =
  (op: 'max-pool' | 'average-pool'): Read =>
  (reader) => {
    const { node, draft } = reader
    const input = requireMap(reader)
    if (!node.has('kernel_shape')) throw node.invalid('no kernel_shape')
    if (pair(reader, 'dilations').some((step) => step !== 1)) {
      throw node.unsupported('a dilation')
    }
    const taps = pair(reader, 'kernel_shape')
    const stride = pair(reader, 'strides')
    const counts = op === 'average-pool' && node.integer('count_include_pad', 0) !== 0
    const padding: Padding = poolPadding(reader, input, { taps, stride, counts })
    const layer = { input, kernelSize: squared(taps), stride: squared(stride), padding }
    return layerValue(
      draft.add(
        op === 'average-pool' && counts ? { op, ...layer, countsPadding: true } : { op, ...layer },
        node.place,
      ),
    )
  }

export const globalPool =
  (op: 'global-average-pool' | 'global-max-pool'): Read =>
  (reader) =>
    layerValue(
      reader.draft.add({ op, input: requireMap(reader), staysMap: true }, reader.node.place),
    )

/** A mean or maximum over height and width. */
export const reduce =
  (op: 'global-average-pool' | 'global-max-pool'): Read =>
  (reader) => {
    const { node, draft } = reader
    const { id, channelsLast } = reader.layer(0)
    const axes = node.axes(1, 4)?.sort((a, b) => a - b)
    const isMap = reader.shapeOf(id).height !== undefined
    if (!isMap || axes?.join() !== (channelsLast ? '1,2' : '2,3')) {
      throw node.unsupported(`the axes [${axes?.join(', ') ?? ''}]`)
    }
    const staysMap = node.integer('keepdims', 1) !== 0
    const layer: Layer = staysMap ? { op, input: id, staysMap } : { op, input: id }
    return layerValue(draft.add(layer, node.place), staysMap && channelsLast)
  }

export function pad(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const input = reader.layer(0)
  const given = node.constant(1)
  const pads = given === undefined ? node.integers('pads') : toIntegers(given)
  const value = node.isGiven(2) ? toScalar(node.requireConstant(2)) : node.float('value', 0)
  const axes = node.isGiven(3) ? toIntegers(node.requireConstant(3)) : [0, 1, 2, 3]
  const before = [0, 0, 0, 0]
  const after = [0, 0, 0, 0]
  for (const [at, axis] of axes.entries()) {
    const place = axis < 0 ? axis + 4 : axis
    before[place] = pads?.[at] ?? Number.NaN
    after[place] = pads?.[at + axes.length] ?? Number.NaN
  }
  const [down, across] = input.channelsLast ? [1, 2] : [2, 3]
  const others = [0, 1, 2, 3].filter((axis) => axis !== down && axis !== across)
  const padding = [before[down]!, before[across]!, after[down]!, after[across]!] as const
  const isPlain =
    node.text('mode', 'constant') === 'constant' &&
    value === 0 &&
    padding.every((zeros) => Number.isSafeInteger(zeros) && zeros >= 0) &&
    others.every((axis) => before[axis] === 0 && after[axis] === 0)
  if (!isPlain) throw node.unsupported('something else than zeros around height and width')
  if (padding.every((zeros) => zeros === 0)) return input
  return layerValue(
    draft.add({ op: 'pad', input: input.id, padding }, node.place),
    input.channelsLast,
  )
}

export function concat(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const values = node.inputs.map((_, at) => reader.value(at))
  const [first] = values
  if (first?.kind === 'channel') return joinChannels(reader, values)
  const layers = node.inputs.map((_, at) => reader.layer(at))
  const isVector = reader.shapeOf(layers[0]!.id).height === undefined
  const { channelsLast } = layers[0]!
  const given = node.integer('axis', 1)
  const axis = given < 0 ? given + (isVector ? 2 : 4) : given
  const isChannels = axis === (!isVector && channelsLast ? 3 : 1)
  if (!isChannels || layers.some((layer) => layer.channelsLast !== channelsLast)) {
    throw node.unsupported(`the axis ${given}`)
  }
  if (layers.length === 1) return layers[0]!
  const id = draft.add({ op: 'concat', inputs: layers.map((layer) => layer.id) }, node.place)
  return layerValue(id, channelsLast)
}

/** All channels of one map again, each with a scale of its own. */
function joinChannels(reader: NodeReader, values: readonly GraphValue[]): GraphValue {
  const { node, draft } = reader
  const [first] = values
  const inOrder = values.every(
    (value, at) =>
      value.kind === 'channel' &&
      first?.kind === 'channel' &&
      value.of === first.of &&
      value.isMap &&
      value.channel === at,
  )
  const channels = values.filter((value) => value.kind === 'channel')
  const [{ of }] = channels as [(typeof channels)[number]]
  if (!inOrder || draft.shape(of).channels !== channels.length || node.integer('axis', 1) !== 1) {
    throw node.unsupported('channels of a map in another order')
  }
  const scales = channels.map(({ scale }) => scale)
  const offsets = channels.map(({ offset }) => offset)
  return layerValue(draft.scale(node.name, of, scales, offsets))
}
