/** Reads a whole classifier that Keras saved: `.keras`, or `.h5` with the description of the model. */
import { basename, extname } from 'node:path'
import type { ForeignModel } from '../../foreign-model.ts'
import { finishModel } from '../foreign/finish-model.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { withKerasFile } from '../keras/keras-file.ts'
import { readKerasLayers } from '../keras/keras-layers.ts'
import { findByClass, findByName } from './find-weights.ts'
import { parseKerasJson, readModelConfig } from './keras-config.ts'
import { buildKerasNetwork } from './keras-network.ts'

/** Throws `model_invalid` where the file is damaged, `model_unsupported` where it is no classifier that we can run. */
export function readKerasModel(path: string): Promise<ForeignModel> {
  return withKerasFile(path, ({ config, weights }) => {
    if (config === undefined) {
      throw unsupportedModel(
        `Expected a whole Keras model at ${path}, received weights alone: name their architecture`,
      )
    }
    const { class_name: kind, config: settings } = parseKerasJson(config)
    const layers = readKerasLayers(weights)
    const isFiledByClass = layers.some((layer) => layer.kind !== undefined)
    const { draft, output, notes } = buildKerasNetwork(readModelConfig(kind, settings), {
      // Keras 3 marks the type of every layer as a policy, which Keras 2 did not.
      isOldKeras: !config.includes('"DTypePolicy"'),
      weightsOf: isFiledByClass ? findByClass(layers) : findByName(layers),
    })
    return finishModel(draft, { name: basename(path, extname(path)), output, notes })
  })
}
