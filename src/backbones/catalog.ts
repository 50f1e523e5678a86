/** The backbones that there are: the one that ships with Verger, and those of a home. */
import { statSync } from 'node:fs'
import { VergerError } from '../core/errors.ts'
import { packagePath } from '../core/version.ts'
import type { Network } from '../tensor/network.ts'
import { efficientNetLite0 } from './architectures/efficientnet-lite0.ts'
import { describeNetwork } from './architectures.ts'
import { IMAGENET_LABELS } from './imagenet-labels.ts'
import {
  type BackboneDescription,
  keptModelPath,
  listKeptIds,
  type Quantization,
  readKeptBackbone,
} from './kept-backbones.ts'
import { OFFICIAL_WEIGHTS } from './official-weights.ts'

export interface Backbone {
  readonly id: string
  /** Name of its architecture; of an imported network, its own id. */
  readonly architecture: string
  readonly network: Network
  /** Names of the classes of its original classifier, in the order of the logits; none where it has no classifier. */
  readonly labels: readonly string[]
  /** Where it computes in 8 bit: what it was made from. */
  readonly quantization?: Quantization
  readonly weights: {
    /** Path of the inference model. */
    readonly path: string
    readonly sizeBytes: number
    readonly sha256: string
    readonly licence: string
  }
}

export const DEFAULT_BACKBONE = 'efficientnet-lite0'

/** Backbones that ship with Verger. */
export const SHIPPED_BACKBONES: readonly Backbone[] = [
  {
    id: 'efficientnet-lite0',
    architecture: 'efficientnet-lite0',
    network: describeNetwork(efficientNetLite0),
    labels: IMAGENET_LABELS,
    weights: {
      path: packagePath('weights/efficientnet-lite0.onnx'),
      sizeBytes: 18_538_519,
      sha256: 'e404acde612a67d3a62daa64ebab89960e824d6f273aefe341b8a1a8aecdaa6d',
      licence: 'Apache-2.0',
    },
  },
]

/** Ids that `findBackbone` knows; a backbone of the home may be damaged. */
export function listBackboneIds(home: string): readonly string[] {
  const shipped = SHIPPED_BACKBONES.map(({ id }) => id)
  return [...shipped, ...listKeptIds(home).filter((id) => !shipped.includes(id))]
}

/**
 * Finds a shipped backbone, or one of the home. Throws `backbone_unknown` naming the ids that exist, or
 * `backbone_damaged` where the description in the home cannot be used.
 */
export function findBackbone(id: string, home?: string): Backbone {
  const shipped = SHIPPED_BACKBONES.find((candidate) => candidate.id === id)
  if (shipped !== undefined) return shipped
  const kept = home === undefined ? undefined : readKeptBackbone(home, id)
  if (home !== undefined && kept !== undefined) return toBackbone(home, kept)
  const ids =
    home === undefined ? SHIPPED_BACKBONES.map((backbone) => backbone.id) : listBackboneIds(home)
  const isOfficial = OFFICIAL_WEIGHTS.some((official) => official.id === id)
  throw new VergerError(
    'backbone_unknown',
    `Expected a backbone among ${ids.join(', ')}, received '${id}'`,
    {
      hint: isOfficial
        ? `verger backbones pull ${id} downloads its weights; with --from FILE it takes a file that is here.`
        : `Leave it out to use ${DEFAULT_BACKBONE}; verger backbones list shows what there is.`,
      details: { received: id },
    },
  )
}

export function toBackbone(home: string, kept: BackboneDescription): Backbone {
  const { id, architecture, network, labels, model, licence, quantization } = kept
  const path = keptModelPath(home, id)
  return {
    ...{ id, architecture, network, labels },
    ...(quantization === undefined ? {} : { quantization }),
    weights: { path, ...model, licence },
  }
}

/** Path of the inference model. Throws `backbone_missing`, or `backbone_damaged` where its length is not the published one. */
export function resolveWeights({ id, weights }: Backbone): string {
  const { path } = weights
  const hint = SHIPPED_BACKBONES.some((shipped) => shipped.id === id)
    ? 'Install Verger again; in a clone, npm run weights makes the file.'
    : `verger backbones delete ${id} removes what is left of it; then get it again.`
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size
  if (sizeBytes === undefined) {
    throw new VergerError(
      'backbone_missing',
      `Expected the weights of ${id} at ${path}, found nothing`,
      { hint },
    )
  }
  if (sizeBytes !== weights.sizeBytes) {
    throw new VergerError(
      'backbone_damaged',
      `Expected ${weights.sizeBytes} bytes of weights for ${id} at ${path}, found ${sizeBytes}`,
      { hint },
    )
  }
  return path
}
