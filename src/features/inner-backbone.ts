/** A backbone whose features come from inside another one. */
import { type Backbone, toBackbone } from '../backbones/catalog.ts'
import { onlyOutputs, withFeatures } from '../backbones/inner-features.ts'
import {
  type BackboneDescription,
  isBackboneId,
  keepModel,
  readKeptBackbone,
} from '../backbones/kept-backbones.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { readBackboneWeights } from './backbone-weights.ts'
import { encodeInferenceGraph } from './inference-graph.ts'

/**
 * The backbone that gives what `layer` of another one gives, pooled over positions; it is kept in the home under the id
 * `<id>-<layer>` and made where it is not there yet. It names no classes of its own. Throws `usage_invalid` naming the layers
 * that exist, or an error of the backbone or the disk.
 */
export async function findInnerBackbone(
  home: string,
  backbone: Backbone,
  layer: string,
): Promise<Backbone> {
  if (backbone.quantization !== undefined) {
    throw new VergerError(
      'usage_invalid',
      `Expected a backbone in float32 for features of its layer ${layer}, received ${backbone.id}`,
      { hint: `Take ${backbone.quantization.from}.` },
    )
  }
  const inner = onlyOutputs(withFeatures(backbone.network, layer), ['features'])
  const id = `${backbone.id}-${layer.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-')}`
  if (!isBackboneId(id)) {
    throw new VergerError('usage_invalid', `Expected a shorter name than ${id} for a backbone`, {
      hint: 'Import the weights under a shorter id: verger backbones import FILE --name ID.',
    })
  }
  const kept = readKeptBackbone(home, id)
  if (kept !== undefined && kept.source.sha256 === backbone.weights.sha256) {
    return toBackbone(home, kept)
  }
  const { path, sha256: hash, sizeBytes, licence } = backbone.weights
  const network = { ...inner, name: id }
  const model = encodeInferenceGraph(network, await readBackboneWeights(backbone))
  const description: BackboneDescription = {
    format: 1,
    id,
    architecture: backbone.architecture,
    network,
    labels: [],
    model: { sha256: sha256(model), sizeBytes: model.length },
    source: { location: path, sha256: hash, sizeBytes },
    licence,
    readAs: `${backbone.id}, features of its layer ${layer}`,
    notes: [],
    createdAt: new Date().toISOString(),
  }
  await keepModel(home, description, model)
  return toBackbone(home, description)
}
