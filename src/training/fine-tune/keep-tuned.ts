/** A fine-tuned network as a backbone of its own. */
import { type Backbone, toBackbone } from '../../backbones/catalog.ts'
import {
  type BackboneDescription,
  keepModel,
  readKeptBackbone,
} from '../../backbones/kept-backbones.ts'
import { sha256 } from '../../core/hashes.ts'
import { encodeInferenceGraph } from '../../features/inference-graph.ts'
import type { Candidate } from './judge-candidate.ts'
import type { TuneSettings } from './tune-settings.ts'

/** What an id of 64 characters leaves beside `-tuned-` and twelve digits. */
const LONGEST_NAME = 44

/** Puts a fine-tuned backbone into the home; its id holds its hash, so the same one is kept once. */
export async function keepTuned(
  home: string,
  from: Backbone,
  { trainFrom, size }: TuneSettings,
  { network, weights }: Candidate,
): Promise<Backbone> {
  const model = encodeInferenceGraph(network, weights)
  const digest = sha256(model)
  const id = `${from.id.slice(0, LONGEST_NAME)}-tuned-${digest.slice(0, 12)}`
  const { path, sha256: source, sizeBytes, licence } = from.weights
  const description: BackboneDescription = {
    format: 1,
    id,
    architecture: from.architecture,
    network: { ...network, name: id },
    labels: [],
    model: { sha256: digest, sizeBytes: model.length },
    source: { location: path, sha256: source, sizeBytes },
    licence,
    readAs: `${from.id}, fine-tuned from ${trainFrom} on`,
    notes: [`Fine-tuned with photos of ${size} pixels.`],
    createdAt: new Date().toISOString(),
  }
  if (readKeptBackbone(home, id) === undefined) await keepModel(home, description, model)
  return toBackbone(home, description)
}
