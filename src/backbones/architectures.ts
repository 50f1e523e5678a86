/** The architectures that Verger can build, by id. */
import { VergerError } from '../core/errors.ts'
import type { Network } from '../tensor/network.ts'
import type { Architecture } from './architecture.ts'
import { efficientNetLite0 } from './architectures/efficientnet-lite0.ts'
import { inceptionV3 } from './architectures/inception-v3.ts'
import { mobileNetV2 } from './architectures/mobilenet-v2.ts'
import { withFeatures } from './inner-features.ts'

const ARCHITECTURES: readonly Architecture[] = [efficientNetLite0, mobileNetV2, inceptionV3]

/** Ids that `findArchitecture` knows. */
export const ARCHITECTURE_IDS: readonly string[] = ARCHITECTURES.map(({ id }) => id)

/** Throws `backbone_unknown` naming the ids that exist. */
export function findArchitecture(id: string): Architecture {
  const architecture = ARCHITECTURES.find((candidate) => candidate.id === id)
  if (architecture !== undefined) return architecture
  throw new VergerError(
    'backbone_unknown',
    `Expected an architecture among ${ARCHITECTURE_IDS.join(', ')}, received '${id}'`,
    { details: { received: id } },
  )
}

export interface NetworkOptions {
  /** Side in pixels; that of the published weights where it is left out. */
  readonly size?: number
  /** 1000 where it is left out: those of ImageNet. */
  readonly classes?: number
  /** The layer or stage whose mean over positions is the `features`; the last one before the classifier where it is left out. */
  readonly features?: string
}

/** Throws `usage_invalid` where `features` names no layer. */
export function describeNetwork(
  architecture: Architecture,
  { size = architecture.size, classes = 1000, features }: NetworkOptions = {},
): Network {
  const network = architecture.describe(size, classes)
  return features === undefined ? network : withFeatures(network, features)
}
