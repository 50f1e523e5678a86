/** What a foreign file is, by its bytes; of a folder, by the files in it. */
import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readZip } from '../archives/read-zip.ts'
import { type ByteSource, withFile } from '../backbones/readers/byte-source.ts'
import { VergerError } from '../core/errors.ts'

/** Formats that are told apart; `name` in words. */
export const FORMATS = {
  'saved-model': 'TensorFlow SavedModel',
  'frozen-graph': 'TensorFlow frozen graph',
  hdf5: 'Keras HDF5',
  'keras-zip': 'Keras .keras',
  tflite: 'TensorFlow Lite',
  tfjs: 'TensorFlow.js layers model',
  'tfjs-zip': 'TensorFlow.js layers model in a zip',
  onnx: 'ONNX',
  pytorch: 'PyTorch state dict',
  safetensors: 'safetensors',
} as const
export type ModelFormat = keyof typeof FORMATS

/** Bytes at the start that tell formats apart. */
const START_BYTES = 64
const HDF5 = '\x89HDF\r\n\x1a\n'
const ZIP = 'PK\x03\x04'
/** Four bytes behind the first four of a FlatBuffer (https://www.tensorflow.org/lite/guide). */
const TFLITE = 'TFL3'
/** The opcode with which every pickle of protocol 2 and later begins. */
const PICKLE = 0x80
/** First tags of the messages: field 1 as a number (ONNX `ir_version`, SavedModel `schema_version`) or as a message (GraphDef `node`). */
const FIELD_1_NUMBER = 0x08
const FIELD_1_MESSAGE = 0x0a

export interface DetectedModel {
  readonly format: ModelFormat
  /** What the reader of the format takes: the file, or the folder where the format is one. */
  readonly path: string
}

/** Throws `model_invalid` where nothing is there, and `model_unsupported` where it is of no format that is read. */
export async function detectModel(path: string): Promise<DetectedModel> {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw refused('model_invalid', path, 'nothing')
  if (stats.isDirectory()) return modelOfFolder(path)
  if (!stats.isFile()) throw refused('model_invalid', path, 'something that is no file')
  const format = await withFile(path, (source) => formatOfStart(source, path))
  if (format === 'zip') return { format: await formatOfZip(path), path }
  if (format !== undefined) return { format, path }
  throw refused('model_unsupported', path, 'a file of another format')
}

function modelOfFolder(path: string): DetectedModel {
  const names = readdirSync(path)
  if (names.includes('saved_model.pb')) return { format: 'saved-model', path }
  if (names.includes('model.json')) return { format: 'tfjs', path }
  const [graph, ...others] = names.filter((name) => name.endsWith('.onnx'))
  if (graph !== undefined && others.length === 0) return { format: 'onnx', path: join(path, graph) }
  throw refused(
    'model_unsupported',
    path,
    `a folder with ${names.sort().slice(0, 5).join(', ') || 'nothing'} in it`,
  )
}

function formatOfStart(source: ByteSource, path: string): ModelFormat | 'zip' | undefined {
  const bytes = Buffer.from(source.read(0, Math.min(START_BYTES, source.sizeBytes)))
  const text = bytes.toString('latin1')
  if (text.startsWith(HDF5)) return 'hdf5'
  if (text.startsWith(ZIP)) return 'zip'
  if (text.slice(4, 8) === TFLITE) return 'tflite'
  if (bytes[0] === PICKLE) return 'pytorch'
  if (bytes.length > 8 && text[8] === '{' && bytes.readBigUInt64LE() < source.sizeBytes) {
    return 'safetensors'
  }
  if (/^\s*\{/.test(text)) return 'tfjs'
  if (bytes[0] === FIELD_1_MESSAGE) return 'frozen-graph'
  if (bytes[0] === FIELD_1_NUMBER) {
    return basename(path) === 'saved_model.pb' ? 'saved-model' : 'onnx'
  }
  return undefined
}

async function formatOfZip(path: string): Promise<ModelFormat> {
  const names: string[] = []
  try {
    for await (const entry of readZip(path)) names.push(entry.path)
  } catch (error) {
    throw refused('model_invalid', path, `a zip that is damaged (${(error as Error).message})`)
  }
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name))
  if (has(/^model\.weights\.h5$/)) return 'keras-zip'
  if (has(/(^|\/)model\.json$/)) return 'tfjs-zip'
  if (has(/(^|\/)data\.pkl$/)) return 'pytorch'
  const shown = names.slice(0, 5).join(', ')
  throw refused('model_unsupported', path, `a zip with ${shown || 'nothing'} in it`)
}

function refused(
  code: 'model_invalid' | 'model_unsupported',
  path: string,
  received: string,
): VergerError {
  return new VergerError(
    code,
    `Expected a model (${Object.values(FORMATS).join(', ')}) at ${path}, received ${received}`,
    { hint: 'docs/reference/formats.md lists what is read.' },
  )
}
