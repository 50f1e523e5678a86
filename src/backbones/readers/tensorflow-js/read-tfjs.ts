/** Reads an image classifier from a layers model of TensorFlow.js, Teachable Machine's exports among them. */
import type { FloatTensor } from '../../../tensor/tensor.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { finishModel } from '../foreign/finish-model.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { findByName, type StoredLayer } from '../keras-graph/find-weights.ts'
import {
  isObject,
  type JsonObject,
  parseKerasJson,
  readModelConfig,
} from '../keras-graph/keras-config.ts'
import { buildKerasNetwork } from '../keras-graph/keras-network.ts'
import { openTfjsFiles, type TfjsFiles } from './tfjs-files.ts'
import { readTfjsWeights } from './tfjs-weights.ts'

/**
 * Reads a folder with a `model.json`, that file, or a zip of it and its weights. Throws `model_invalid` where it is
 * damaged, `model_unsupported` where it is a graph model or no classifier that we can run.
 */
export async function readTfjs(path: string): Promise<ForeignModel> {
  const files = await openTfjsFiles(path)
  const json = parseKerasJson(files.model)
  const topology = json['modelTopology']
  if (json['format'] === 'graph-model' || (isObject(topology) && 'node' in topology)) {
    throw unsupportedModel(
      `Expected a layers model of TensorFlow.js at ${path}, received a graph model: export the SavedModel or Keras model that it was made of`,
    )
  }
  if (!isObject(topology))
    throw unsupportedModel(`Expected modelTopology in ${path}, received none`)
  // What Python converted has the model inside its file's attributes; what the browser saved is the model.
  const inner = topology['model_config']
  const model: JsonObject = isObject(inner) ? inner : topology
  const weights = await readTfjsWeights(json['weightsManifest'], files)
  const { draft, output, notes } = buildKerasNetwork(
    readModelConfig(model['class_name'], model['config']),
    {
      isOldKeras: !files.model.includes('"DTypePolicy"'),
      weightsOf: findByName(toLayers(weights)),
    },
  )
  const { labels, isTeachable } = await readMetadata(files)
  return finishModel(draft, {
    name: files.name,
    output,
    labels,
    ...(isTeachable ? { scaling: TEACHABLE_SCALING } : {}),
    notes: [...notes, ...(isTeachable ? [TEACHABLE_NOTE] : [])],
  })
}

/**
 * `level / 127 − 1` (https://github.com/googlecreativelab/teachablemachine-community/blob/master/libraries/image/src/utils/tf.ts,
 * `capture`).
 */
const TEACHABLE_SCALING = { mean: 127, divisor: 127 }
const TEACHABLE_NOTE =
  'Teachable Machine cuts the square in the middle out of a photo before it scales it; Verger squashes the whole photo, so that photos that are not square are seen otherwise.'

/** `dense_1/kernel` is a weight of the layer `dense_1`. */
function toLayers(weights: ReadonlyMap<string, FloatTensor>): StoredLayer[] {
  const layers = new Map<string, { read(): FloatTensor }[]>()
  for (const [name, tensor] of weights) {
    const path = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    const variables = layers.get(path) ?? []
    variables.push({ read: () => tensor })
    layers.set(path, variables)
  }
  return [...layers].map(([path, variables]) => ({ path, variables }))
}

/** Labels, and whether it is Teachable Machine's, from the `metadata.json` that it puts beside the model. */
async function readMetadata(
  files: TfjsFiles,
): Promise<{ labels?: readonly string[]; isTeachable: boolean }> {
  const bytes = await files.read('metadata.json')
  if (bytes === undefined) return { isTeachable: false }
  const metadata = parseKerasJson(Buffer.from(bytes).toString('utf8'))
  const { labels, packageName } = metadata
  const names = Array.isArray(labels) ? labels : []
  const isNamed = names.length > 0 && names.every((name) => typeof name === 'string')
  return {
    isTeachable: packageName === '@teachablemachine/image',
    ...(isNamed ? { labels: names as readonly string[] } : {}),
  }
}
