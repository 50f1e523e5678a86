/** What an export says about itself, beside the graph. */
import { readVersion } from '../../core/version.ts'
import { toChannels } from '../../tensor/network.ts'
import type { ExportedClassifier } from './exported-classifier.ts'

/** The same content for the same classifier: no time and no path is in it. */
export function describeExport({
  name,
  labels,
  network,
  views,
  observed,
  origin,
}: ExportedClassifier): Readonly<Record<string, unknown>> {
  const { mean, divisor } = network.input
  return {
    name,
    made_by: `verger ${readVersion()}`,
    precision: observed === undefined ? 'float32' : 'int8',
    licence: origin.backbone.licence,
    backbone: origin.backbone.id,
    backbone_sha256: origin.backbone.sha256,
    ...(origin.bundle === undefined ? {} : { bundle: origin.bundle }),
    preprocessing: {
      squash: 'pillow-bicubic',
      mean: toChannels(mean),
      divisor: toChannels(divisor),
      views,
    },
    labels,
  }
}
