/**
 * Preprocessing as TensorFlow nodes: base64 text → bytes of photos → the network's normalised input.
 * It follows docs/architecture/02-preprocessing.md as far as TensorFlow's operators can; the page says where they cannot.
 */
import { type NetworkInput, toChannels } from '../tensor/network.ts'
import {
  type Attributes,
  attr,
  type DataType,
  type TensorflowGraph,
  type TensorflowNodes,
  type Value,
} from '../tensor/tensorflow-graph.ts'
import { REDUCING_GAP } from './decode.ts'
import { HALF_UP } from './preprocess-graph.ts'

/** What stands before the digits of a data URL (RFC 2397), and white space anywhere. */
const NO_DIGITS = '^\\s*data:[^,]*,|\\s+'

/** The first bytes of the formats whose decoders say more than `DecodeJpeg` does. */
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)
const GIF = Uint8Array.of(0x47, 0x49, 0x46, 0x38)

/** Text `[n]` → bytes `[n]`: standard or web-safe base64, in lines or with the prefix of a data URL. */
export function emitBase64(graph: TensorflowGraph, text: Value): Value {
  const replaced = (value: Value, pattern: string, rewrite: string): Value =>
    graph.node('StaticRegexReplace', [value], {
      pattern: attr.text(pattern),
      rewrite: attr.text(rewrite),
      replace_global: attr.bool(true),
    })
  // `DecodeBase64` knows the web-safe alphabet alone.
  const digits = replaced(text, NO_DIGITS, '')
  const webSafe = replaced(replaced(digits, '\\+', '-'), '/', '_')
  return graph.node('DecodeBase64', [webSafe])
}

/**
 * Bytes `[n]` of photos of any sizes → levels `[n, size, size, 3]`, one value for each of `sizes`, in their order.
 * Each photo is decoded and squashed by a function of its own.
 */
export function emitPhotos(
  graph: TensorflowGraph,
  bytes: Value,
  sizes: readonly number[],
): readonly Value[] {
  const types = sizes.map((): DataType => 'float')
  graph.addFunction(
    'decode_and_squash',
    { name: 'photo', type: 'string' },
    types,
    (nodes, photo) => {
      const pixels = emitDecoder(nodes, photo)
      return sizes.map((size) => emitSquash(nodes, pixels, size))
    },
  )
  const first = graph.node(
    'MapDefun',
    [bytes],
    {
      Targuments: attr.types(['string']),
      Tcaptured: attr.types([]),
      output_types: attr.types(types),
      output_shapes: attr.shapes(sizes.map((size) => [size, size, 3])),
      f: attr.func('decode_and_squash'),
    },
    'photos',
  )
  return sizes.map((_, index) => (index === 0 ? first : graph.output(first, 'output', index)))
}

/** Levels `[n, size, size, 3]` → `(level − mean) / divisor`. */
export function emitNormalisation(
  graph: TensorflowGraph,
  levels: Value,
  { mean, divisor }: NetworkInput,
): Value {
  const centred = graph.node('Sub', [levels, graph.numbers('float', toChannels(mean), [3])], FLOAT)
  return graph.node('RealDiv', [centred, graph.numbers('float', toChannels(divisor), [3])], FLOAT)
}

const FLOAT: Attributes = { T: attr.type('float') }
const INT: Attributes = { T: attr.type('int32') }
const TEXT: Attributes = { T: attr.type('string') }
const UINT8_SHAPE: Attributes = { T: attr.type('uint8'), out_type: attr.type('int32') }

/** Bytes of one photo → uint8 `[1, height, width, 3]`. */
function emitDecoder(nodes: TensorflowNodes, photo: Value): Value {
  const zero = nodes.numbers('int32', [0])
  const start = nodes.node('Substr', [photo, zero, nodes.numbers('int32', [4])], INT)
  /** Where a photo goes: to the decoder of this signature, or past it. */
  const divert = (value: Value, signature: Uint8Array): readonly [to: Value, past: Value] => {
    const isThis = nodes.node('Equal', [start, nodes.texts([signature])], TEXT)
    const past = nodes.node('Switch', [value, isThis], TEXT)
    return [nodes.output(past, 'output_true', 1), past]
  }
  const merge = (left: Value, right: Value): Value =>
    nodes.node('Merge', [left, right], { T: attr.type('uint8'), N: attr.int(2) })

  const [png, noPng] = divert(photo, PNG)
  const [gif, other] = divert(noPng, GIF)
  const rgba = nodes.node('DecodePng', [png], { channels: attr.int(4), dtype: attr.type('uint8') })
  const frames = nodes.node('DecodeGif', [gif])
  const jpeg = nodes.node('DecodeJpeg', [other], {
    channels: attr.int(3),
    // The default differs by up to 19 levels from every other decoder.
    dct_method: attr.text('INTEGER_ACCURATE'),
  })
  return emitFirstFrame(nodes, merge(merge(jpeg, frames), emitOverWhite(nodes, rgba)))
}

/** uint8 `[height, width, 3]`, or frames of it, → `[1, height, width, 3]`. */
function emitFirstFrame(nodes: TensorflowNodes, pixels: Value): Value {
  const shape = nodes.node('Shape', [pixels], UINT8_SHAPE)
  const sides = emitSlice(nodes, 'int32', shape, [-3], [0], { end_mask: attr.int(1) })
  const dims = emitConcat(nodes, nodes.numbers('int32', [-1], [1]), sides)
  const frames = nodes.node('Reshape', [pixels, dims], {
    T: attr.type('uint8'),
    Tshape: attr.type('int32'),
  })
  return emitSlice(nodes, 'uint8', frames, [0], [1])
}

/** uint8 `[height, width, 4]` with straight alpha → uint8 `[height, width, 3]` over white, to the nearest level. */
function emitOverWhite(nodes: TensorflowNodes, rgba: Value): Value {
  const allPixels = { begin_mask: attr.int(0b011), end_mask: attr.int(0b011) }
  const channels = (from: number, to: number): Value =>
    emitCast(
      nodes,
      emitSlice(nodes, 'uint8', rgba, [0, 0, from], [0, 0, to], allPixels),
      'uint8',
      'float',
    )
  const white = nodes.numbers('float', [255])
  const alpha = channels(3, 4)
  const light = nodes.node('Mul', [channels(0, 3), alpha], FLOAT)
  const rest = nodes.node('Mul', [nodes.node('Sub', [white, alpha], FLOAT), white], FLOAT)
  const share = nodes.node('RealDiv', [nodes.node('AddV2', [light, rest], FLOAT), white], FLOAT)
  return emitCast(nodes, nodes.node('Round', [share], FLOAT), 'float', 'uint8')
}

/**
 * uint8 `[1, height, width, 3]` → levels `[size, size, 3]`: the reduction of big photos that `planReduction` plans, then
 * the width, then the height, each rounded and clipped. A resize to the same size changes nothing, so it needs no condition.
 */
function emitSquash(nodes: TensorflowNodes, pixels: Value, size: number): Value {
  const shape = nodes.node('Shape', [pixels], UINT8_SHAPE)
  const sides = emitSlice(nodes, 'int32', shape, [1], [3])
  const shares = nodes.node('FloorDiv', [sides, nodes.numbers('int32', [REDUCING_GAP * size])], INT)
  const divisors = nodes.node('Maximum', [shares, nodes.numbers('int32', [1])], INT)
  const reducedSides = nodes.node('FloorDiv', [sides, divisors], INT)
  const height = emitSlice(nodes, 'int32', reducedSides, [0], [1])
  const narrow = emitConcat(nodes, height, nodes.numbers('int32', [size], [1]))
  const square = nodes.numbers('int32', [size, size], [2])

  const reduced = emitResize(nodes, pixels, 'uint8', sides, reducedSides)
  const isOdd = size % 2 === 1
  const squashed = emitResize(nodes, reduced, 'float', reducedSides, narrow, isOdd)
  const levels = emitResize(nodes, squashed, 'float', narrow, square, isOdd)
  return nodes.node('Squeeze', [levels], { ...FLOAT, squeeze_dims: attr.ints([0]) })
}

/** Pillow's bicubic from `[1, height, width, 3]` of one size to another, rounded to whole levels and clipped; at odd sizes as `emitPreprocessing`. */
function emitResize(
  nodes: TensorflowNodes,
  map: Value,
  type: DataType,
  from: Value,
  to: Value,
  roundsHalvesUp = false,
): Value {
  const [before, after] = [from, to].map((sides) => emitCast(nodes, sides, 'int32', 'float'))
  const scale = nodes.node('RealDiv', [after ?? '', before ?? ''], FLOAT)
  const resized = nodes.node(
    'ScaleAndTranslate',
    [map, to, scale, nodes.numbers('float', [0, 0], [2])],
    { T: attr.type(type), kernel_type: attr.text('keyscubic'), antialias: attr.bool(true) },
  )
  const half = () => nodes.node('AddV2', [resized, nodes.numbers('float', [HALF_UP])], FLOAT)
  const rounded = roundsHalvesUp
    ? nodes.node('Floor', [half()], FLOAT)
    : nodes.node('Round', [resized], FLOAT)
  const light = nodes.node('Maximum', [rounded, nodes.numbers('float', [0])], FLOAT)
  return nodes.node('Minimum', [light, nodes.numbers('float', [255])], FLOAT)
}

const emitCast = (nodes: TensorflowNodes, value: Value, from: DataType, to: DataType): Value =>
  nodes.node('Cast', [value], { SrcT: attr.type(from), DstT: attr.type(to) })

/** Two vectors of int32, one behind the other. */
const emitConcat = (nodes: TensorflowNodes, left: Value, right: Value): Value =>
  nodes.node('ConcatV2', [left, right, nodes.numbers('int32', [0])], {
    ...INT,
    N: attr.int(2),
    Tidx: attr.type('int32'),
  })

/** `value[begin:end]`, one number for each of the first axes. */
function emitSlice(
  nodes: TensorflowNodes,
  type: DataType,
  value: Value,
  begin: readonly number[],
  end: readonly number[],
  masks: Attributes = {},
): Value {
  const numbers = (values: readonly number[]) => nodes.numbers('int32', values, [begin.length])
  const steps = begin.map(() => 1)
  return nodes.node('StridedSlice', [value, numbers(begin), numbers(end), numbers(steps)], {
    T: attr.type(type),
    Index: attr.type('int32'),
    ...masks,
  })
}
