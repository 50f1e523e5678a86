/** The backbones that this installation offers, by id. */
import { statSync } from 'node:fs'
import { VergerError } from '../core/errors.ts'
import { packagePath } from '../core/version.ts'
import type { Network } from '../tensor/network.ts'
import { efficientNetLite0 } from './efficientnet-lite0.ts'
import { IMAGENET_LABELS } from './imagenet-labels.ts'

export interface Backbone {
  readonly id: string
  readonly network: Network
  /** Names of the classes of its original classifier, in the order of the logits. */
  readonly labels: readonly string[]
  readonly weights: {
    /** Path of the inference model inside the package. */
    readonly file: string
    readonly sizeBytes: number
    readonly sha256: string
    readonly licence: string
  }
}

export const DEFAULT_BACKBONE = 'efficientnet-lite0'

const BACKBONES: readonly Backbone[] = [
  {
    id: 'efficientnet-lite0',
    network: efficientNetLite0(),
    labels: IMAGENET_LABELS,
    weights: {
      file: 'weights/efficientnet-lite0.onnx',
      sizeBytes: 18_538_519,
      sha256: 'e404acde612a67d3a62daa64ebab89960e824d6f273aefe341b8a1a8aecdaa6d',
      licence: 'Apache-2.0',
    },
  },
]

/** Ids that `findBackbone` knows. */
export const BACKBONE_IDS: readonly string[] = BACKBONES.map(({ id }) => id)

/** Throws `backbone_unknown` naming the ids that exist. */
export function findBackbone(id: string): Backbone {
  const backbone = BACKBONES.find((candidate) => candidate.id === id)
  if (backbone !== undefined) return backbone
  throw new VergerError(
    'backbone_unknown',
    `Expected a backbone among ${BACKBONE_IDS.join(', ')}, received '${id}'`,
    { hint: `Leave it out to use ${DEFAULT_BACKBONE}.`, details: { received: id } },
  )
}

/** Path of the inference model. Throws `backbone_missing`, or `backbone_damaged` where its length is not the published one. */
export function resolveWeights({ id, weights }: Backbone): string {
  const path = packagePath(weights.file)
  const hint = 'Install Verger again; in a clone, npm run weights makes the file.'
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
