/** Operators on text and bytes that hold a photo. */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { wholeNumbers } from './constant.ts'
import { attribute } from './graph.ts'
import { joinValues } from './join-values.ts'
import { done, element, type PhotoOperator, type Triple, unknown } from './photo-call.ts'
import type { Axis } from './value.ts'

const decode: PhotoOperator = ({ node, photo, place }) => {
  const channels = Number(attribute(node, 'channels', 'i') ?? 0)
  if (channels !== 0 && channels !== 3) {
    throw unsupportedModel(`${place}: expected photos of three colours, received ${channels}`)
  }
  const type = attribute(node, 'dtype', 'type') ?? DATA_TYPES.uint8
  const factor =
    type === DATA_TYPES.float || type === DATA_TYPES.half
      ? 1 / 255
      : type === DATA_TYPES.uint8
        ? 1
        : 257
  const axes: Axis[] = ['h', 'w', 'c']
  const scale: Triple = [factor, factor, factor]
  return done({ ...photo, stage: 'pixels', axes, scale, areLevels: true, type }, node.op)
}

const keepsBytes: PhotoOperator = ({ photo }) => photo

const reshapesBytes: PhotoOperator = ({ inputs, photo }) => {
  const [, shape] = inputs
  if (shape?.kind !== 'constant') return undefined
  return { ...photo, axes: shape.data.length === 0 ? [] : ['n'] }
}

/** On text and bytes that hold a photo. */
export const ON_BYTES: Readonly<Record<string, PhotoOperator>> = {
  ConcatV2: ({ inputs, ...call }) => joinValues(inputs.slice(0, -1), { ...call, inputs }),
  DecodeAndCropJpeg: (call) => {
    const decoded = decode(call)
    return decoded?.kind === 'photo' ? done(decoded, 'a crop') : decoded
  },
  DecodeBase64: ({ photo, node }) => done(photo, node.op),
  DecodeBmp: decode,
  DecodeImage: decode,
  DecodeJpeg: decode,
  DecodePng: decode,
  DecodeWebP: decode,
  ExpandDims: ({ photo }) => ({ ...photo, axes: ['n'] }),
  ExtractJpegShape: () => unknown(DATA_TYPES.int32, 3),
  GatherV2: ({ inputs, photo }) => element(photo, inputs[1]),
  Pack: ({ photo }) => ({ ...photo, axes: ['n'] }),
  RegexReplace: keepsBytes,
  Reshape: reshapesBytes,
  Shape: ({ photo, reading }) => wholeNumbers(reading.dims(photo)),
  Size: () => unknown(DATA_TYPES.int32),
  Slice: keepsBytes,
  Squeeze: ({ photo }) => ({ ...photo, axes: [] }),
  StaticRegexReplace: keepsBytes,
  StridedSlice: ({ inputs, photo, node }) => {
    const shrinks = Number(attribute(node, 'shrink_axis_mask', 'i') ?? 0) !== 0
    return shrinks ? element(photo, inputs[1]) : photo
  },
  StringJoin: keepsBytes,
  StringStrip: keepsBytes,
  Substr: keepsBytes,
}
