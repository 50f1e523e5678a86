/**
 * What a fine-tuning does not change computes in 8 bit while it learns, where that keeps what it sees and the processor is
 * made for it. Epochs are judged, and photos answered, in float: what learns gets used to features that are rounded a
 * little. No clock decides, so that the same command gives the same bundle.
 */
import type { Backbone } from '../../backbones/catalog.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import {
  keepsFeatures,
  quantizeBackbone,
  SAMPLED_PHOTOS,
  sampleEvenly,
} from '../../features/quantize-backbone.ts'
import { findBlock } from '../../tensor/gradients/map-block.ts'
import type { Observation } from '../../tensor/quantize.ts'
import type { TrainContext } from '../train-context.ts'
import { featureNetwork } from './tuning-network.ts'

/** Processors with vectors of 16 numbers multiply 8-bit integers several times as fast, but for the first of them. */
const WIDE_BLOCK = 16
/** Fewer photos say too little of what others will give. */
const LEAST_PHOTOS = 32

export interface ObservePlan {
  readonly backbone: Backbone
  /** Side of the photo in the network. */
  readonly size: number
  /** That are learned from. */
  readonly photos: readonly ScannedPhoto[]
}

/** What the layers give for a sample of photos, or undefined where they stay in float. */
export async function observeFrozen(
  { backbone, size, photos }: ObservePlan,
  { limits, signal, onEvent = () => {} }: TrainContext,
): Promise<Observation | undefined> {
  if (photos.length < LEAST_PHOTOS || (await findBlock()) < WIDE_BLOCK) return undefined
  onEvent({ stage: 'observing' })
  const sample = sampleEvenly(photos, SAMPLED_PHOTOS)
  const { observed, figures } = await quantizeBackbone(
    {
      backbone: { ...backbone, network: featureNetwork(backbone.network, size) },
      size,
      photos: await Promise.all(
        sample.map(async ({ load }) => (typeof load === 'string' ? load : load())),
      ),
      maxPixels: limits.photoPixels,
    },
    signal === undefined ? {} : { signal },
  )
  return keepsFeatures(figures) ? observed : undefined
}
