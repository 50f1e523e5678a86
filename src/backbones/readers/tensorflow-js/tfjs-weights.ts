/**
 * Weights of TensorFlow.js: a manifest of groups, each of which names files that hold its weights one after the other
 * (https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts, `WeightsManifestConfig`).
 */
import { decodeFloat16 } from '../../../tensor/float16.ts'
import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import {
  asList,
  isNumber,
  isObject,
  type Json,
  type JsonObject,
} from '../keras-graph/keras-config.ts'
import type { TfjsFiles } from './tfjs-files.ts'

/** Bytes of one number as it is stored. */
const SIZES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  float16: 2,
  uint16: 2,
  uint8: 1,
  bool: 1,
}

interface Entry {
  readonly name: string
  readonly dims: readonly number[]
  /** As it is stored, which quantization decides where there is any. */
  readonly type: string
  readonly scale: number
  readonly min: number
}

/** Gives every weight that is, or stands for, float32, by its name. Throws `model_invalid` where files are missing or too short. */
export async function readTfjsWeights(
  manifest: Json | undefined,
  files: TfjsFiles,
): Promise<Map<string, FloatTensor>> {
  const weights = new Map<string, FloatTensor>()
  for (const group of asList(manifest, 'weightsManifest')) {
    if (!isObject(group)) throw invalidModel('Expected a group of weights, received none')
    const entries = asList(group['weights'], 'weights').map(readEntry)
    const bytes = await readGroup(asList(group['paths'], 'paths'), files)
    let at = 0
    for (const entry of entries) {
      const size = elementCount(entry.dims) * SIZES[entry.type]!
      if (at + size > bytes.length) {
        throw invalidModel(
          `Expected ${size} bytes for the weight ${entry.name}, received ${bytes.length - at}`,
        )
      }
      const values = decode(entry, Uint8Array.from(bytes.subarray(at, at + size)).buffer)
      weights.set(entry.name, { dims: entry.dims, data: values })
      at += size
    }
    if (at !== bytes.length) {
      throw invalidModel(`Expected ${at} bytes of weights, received ${bytes.length}`)
    }
  }
  return weights
}

async function readGroup(paths: readonly Json[], files: TfjsFiles): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  if (new Set(paths).size !== paths.length) throw invalidModel('A file of weights is named twice')
  for (const path of paths) {
    if (typeof path !== 'string') throw invalidModel('Expected names of files of weights')
    if (/^[a-z]+:\/\//i.test(path)) {
      throw unsupportedModel(
        `Expected weights beside the model, received the address ${path.slice(0, 200)}`,
      )
    }
    const part = await files.read(path)
    if (part === undefined)
      throw invalidModel(`Expected the weights ${path} beside the model, received none`)
    parts.push(part)
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function readEntry(entry: Json): Entry {
  if (!isObject(entry) || typeof entry['name'] !== 'string') {
    throw invalidModel('Expected a weight with a name, received one without')
  }
  const { name, quantization } = entry
  const dims = asList(entry['shape'], `shape of ${name}`)
  if (!dims.every((dim): dim is number => isNumber(dim) && Number.isSafeInteger(dim) && dim >= 0)) {
    throw invalidModel(`Expected the shape of ${name}, received [${dims.join(', ').slice(0, 60)}]`)
  }
  const stored: JsonObject = isObject(quantization) ? quantization : entry
  const type = stored['dtype']
  if (typeof type !== 'string' || !Object.hasOwn(SIZES, type)) {
    throw unsupportedModel(
      `Expected the weight ${name} as float32 or quantized, received ${JSON.stringify(type)}`,
    )
  }
  const scale = stored['scale'] ?? 1
  const min = stored['min'] ?? 0
  if (!isNumber(scale) || !isNumber(min))
    throw invalidModel(`Expected a scale of ${name} as numbers`)
  return { name, dims, type, scale, min }
}

/** Quantized numbers are `stored · scale + min`. */
function decode({ type, scale, min }: Entry, buffer: ArrayBuffer): Float32Array {
  switch (type) {
    case 'float32':
      return new Float32Array(buffer)
    case 'float16':
      return decodeFloat16(new Uint16Array(buffer))
    case 'uint16':
      return Float32Array.from(new Uint16Array(buffer), (stored) => stored * scale + min)
    case 'int32':
      return Float32Array.from(new Int32Array(buffer))
    default:
      return Float32Array.from(new Uint8Array(buffer), (stored) => stored * scale + min)
  }
}
