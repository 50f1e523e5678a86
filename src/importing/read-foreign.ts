/** A foreign file, by what its bytes say that it is → a network and its weights in our own terms. */
import type { Architecture } from '../backbones/architecture.ts'
import { findArchitecture } from '../backbones/architectures.ts'
import type { ForeignModel } from '../backbones/foreign-model.ts'
import { VergerError } from '../core/errors.ts'
import type { Network } from '../tensor/network.ts'
import type { Weights } from '../tensor/tensor.ts'
import { detectModel, FORMATS, type ModelFormat } from './detect-format.ts'
import { type ImportTask, SCALING_NAMES, SCALINGS } from './import-task.ts'

export interface ForeignNetwork {
  readonly network: Network
  readonly weights: Weights
  readonly labels?: readonly string[]
  /** The format in words. */
  readonly readAs: string
  readonly notes: readonly string[]
}

/** Throws `model_invalid`, `model_unsupported`, or `usage_invalid` where the user must say how levels are scaled. */
export async function readForeign(task: ImportTask): Promise<ForeignNetwork> {
  const { format, path } = await detectModel(task.path)
  const readAs = FORMATS[format]
  const { architecture } = task
  const { network, weights, labels, knowsScaling, notes } =
    architecture === undefined
      ? await readModel(format, path)
      : await readArchitecture(format, path, findArchitecture(architecture))
  const { scaling } = task
  if (!knowsScaling && scaling === undefined) {
    throw new VergerError(
      'usage_invalid',
      `Expected --scaling: this file (${readAs}) does not tell how levels of 0 to 255 enter the network`,
      {
        hint: `--scaling ${SCALING_NAMES.join(' | ')}; Keras's MobileNetV2 and InceptionV3 take -1..1, PyTorch's networks imagenet.`,
      },
    )
  }
  const told = scaling === undefined || knowsScaling ? {} : SCALINGS[scaling]
  const ignored =
    scaling !== undefined && knowsScaling
      ? ['The file tells how levels are scaled: --scaling was not needed and not used.']
      : []
  return {
    network: { ...network, input: { ...network.input, ...told } },
    weights,
    ...(labels === undefined ? {} : { labels }),
    readAs,
    notes: [...notes, ...ignored],
  }
}

async function readModel(format: ModelFormat, path: string): Promise<ForeignModel> {
  switch (format) {
    case 'saved-model': {
      const { readSavedModel } = await import(
        '../backbones/readers/saved-model/read-saved-model.ts'
      )
      return readSavedModel(path)
    }
    case 'onnx': {
      const { readOnnx } = await import('../backbones/readers/onnx/read-onnx.ts')
      return readOnnx(path)
    }
    case 'tflite': {
      const { readTflite } = await import('../backbones/readers/tflite/read-tflite.ts')
      return readTflite(path)
    }
    case 'tfjs':
    case 'tfjs-zip': {
      const { readTfjs } = await import('../backbones/readers/tensorflow-js/read-tfjs.ts')
      return readTfjs(path)
    }
    case 'hdf5':
    case 'keras-zip': {
      const { readKerasModel } = await import(
        '../backbones/readers/keras-graph/read-keras-model.ts'
      )
      return readKerasModel(path)
    }
    default:
      throw refused('a whole classifier', format, path)
  }
}

/** The weights of an architecture that we know. */
async function readArchitecture(
  format: ModelFormat,
  path: string,
  architecture: Architecture,
): Promise<ForeignModel> {
  switch (format) {
    case 'hdf5':
    case 'keras-zip': {
      const { readKerasWeights } = await import('../backbones/readers/keras/keras-weights.ts')
      return readKerasWeights(path, architecture)
    }
    case 'pytorch':
    case 'safetensors': {
      const { readPyTorchWeights } = await import('../backbones/readers/pytorch-weights.ts')
      return readPyTorchWeights(path, architecture)
    }
    default:
      throw refused(`weights of ${architecture.id}`, format, path)
  }
}

const refused = (expected: string, format: ModelFormat, path: string): VergerError =>
  new VergerError(
    'model_unsupported',
    `Expected ${expected} at ${path}, received ${FORMATS[format]}`,
    { hint: 'docs/reference/formats.md lists what is read, and by which command.' },
  )
