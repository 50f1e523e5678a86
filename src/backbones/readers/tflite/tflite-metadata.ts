/**
 * What TFLite Metadata says of a classifier: how its input is normalised and which file names its classes. Numbers of
 * fields: https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
 */
import { type FlatTable, readRootTable } from './flat-table.ts'

export interface TfliteMetadata {
  /** `(level − mean) / deviation`, one number for all channels or one each. */
  readonly normalization?: {
    readonly mean: readonly number[]
    readonly deviation: readonly number[]
  }
  /** Name of the file of labels in the zip behind the model. */
  readonly labelsFile?: string
}

const MODEL = { subgraphs: 3 }
const SUBGRAPH = { inputs: 2, outputs: 3, associatedFiles: 4 }
const TENSOR = { processUnits: 4, associatedFiles: 6 }
const PROCESS_UNIT = { optionsType: 0, options: 1 }
const NORMALIZATION = { mean: 0, deviation: 1 }
const ASSOCIATED_FILE = { name: 0, type: 2, locale: 3 }
/** Member of the union `ProcessUnitOptions`. */
const NORMALIZATION_OPTIONS = 1
/** Of `AssociatedFileType`. */
const TENSOR_AXIS_LABELS = 2

/** Throws `model_invalid` where the bytes are no metadata. */
export function readTfliteMetadata(bytes: Uint8Array): TfliteMetadata {
  const [subgraph] = readRootTable(bytes, ['M001']).tables(MODEL.subgraphs)
  const [input] = subgraph?.tables(SUBGRAPH.inputs) ?? []
  const [output] = subgraph?.tables(SUBGRAPH.outputs) ?? []
  const unit = input
    ?.tables(TENSOR.processUnits)
    .find((each) => each.uint8(PROCESS_UNIT.optionsType) === NORMALIZATION_OPTIONS)
  const options = unit?.table(PROCESS_UNIT.options)
  const labelsFile = findLabels([
    ...(output?.tables(TENSOR.associatedFiles) ?? []),
    ...(subgraph?.tables(SUBGRAPH.associatedFiles) ?? []),
  ])
  return {
    ...(options === undefined
      ? {}
      : {
          normalization: {
            mean: options.float32s(NORMALIZATION.mean),
            deviation: options.float32s(NORMALIZATION.deviation),
          },
        }),
    ...(labelsFile === undefined ? {} : { labelsFile }),
  }
}

/** The file without a language, or the first of several. */
function findLabels(files: readonly FlatTable[]): string | undefined {
  const labels = files.filter((file) => file.int8(ASSOCIATED_FILE.type) === TENSOR_AXIS_LABELS)
  const plain = labels.find((file) => file.text(ASSOCIATED_FILE.locale) === '') ?? labels[0]
  return plain?.text(ASSOCIATED_FILE.name)
}
