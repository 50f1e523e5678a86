/** A backbone in 8 bit, made for photos like the user's and taken only where it keeps what it sees and is faster here. */
import { type Backbone, resolveWeights } from '../backbones/catalog.ts'
import { VergerError } from '../core/errors.ts'
import { compute } from '../tensor/compute-thread.ts'
import type { Network } from '../tensor/network.ts'
import type { Observation } from '../tensor/quantize.ts'

/** What 8 bit must keep of the features of each photo, and of all in the mean, as a cosine. */
export const LEAST_COSINE = 0.98
export const LEAST_MEAN_COSINE = 0.99
/** How much faster it must be on this machine. */
export const LEAST_SPEED_UP = 1.2

/** Photos that are looked at: from one half ranges are taken, on the other the result is judged. */
export const SAMPLED_PHOTOS = 128
const LEAST_PHOTOS = 16

/** A path, or the bytes of a photo. */
export type PhotoFile = string | Uint8Array

export interface QuantizeTask {
  readonly modelPath: string
  /** With the side for which the network is made. */
  readonly network: Network
  readonly observe: readonly PhotoFile[]
  readonly judge: readonly PhotoFile[]
  readonly maxPixels: number
}

/** How features in 8 bit compare with those in float, on photos that were not observed. */
export interface QuantizationFigures {
  readonly photos: number
  readonly worstCosine: number
  readonly meanCosine: number
  /** Time of the network in float over that in 8 bit, on one core of this machine. */
  readonly speedUp: number
}

export interface QuantizeResult {
  /** The inference model, as `encodeInferenceGraph` gives it. */
  readonly model: Uint8Array
  readonly observed: Observation
  readonly figures: QuantizationFigures
}

export interface QuantizePlan {
  readonly backbone: Backbone
  /** Side of the photo in the network. */
  readonly size: number
  readonly photos: readonly PhotoFile[]
  readonly maxPixels: number
}

/**
 * Makes an 8-bit model of a backbone and measures it. Photos that cannot be read are passed over. Throws
 * `dataset_untrainable` where too few photos remain, or an error of the backbone.
 */
export async function quantizeBackbone(
  { backbone, size, photos, maxPixels }: QuantizePlan,
  { signal, onPhoto }: { readonly signal?: AbortSignal; onPhoto?(): void } = {},
): Promise<QuantizeResult> {
  const sample = sampleEvenly(photos, SAMPLED_PHOTOS)
  if (sample.length < LEAST_PHOTOS) {
    throw new VergerError(
      'dataset_untrainable',
      `Expected at least ${LEAST_PHOTOS} photos to fit 8-bit ranges and judge them, received ${sample.length}`,
      { hint: 'Add photos, or stay with float32.' },
    )
  }
  const { network } = backbone
  const task: QuantizeTask = {
    modelPath: resolveWeights(backbone),
    network: { ...network, input: { ...network.input, size } },
    observe: sample.filter((_, place) => place % 2 === 0),
    judge: sample.filter((_, place) => place % 2 === 1),
    maxPixels,
  }
  return compute<QuantizeTask, QuantizeResult, Record<string, never>>(QUANTIZE_WORKER, task, {
    onReport: () => onPhoto?.(),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** At most `most` items at even steps. */
export function sampleEvenly<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most)
  return items.filter((_, place) => Math.floor(place / step) > Math.floor((place - 1) / step))
}

const QUANTIZE_WORKER = new URL('./quantize-worker.js', import.meta.url)

/** Whether features in 8 bit are those in float but for a little; not where they are no numbers. */
export const keepsFeatures = ({ worstCosine, meanCosine }: QuantizationFigures): boolean =>
  worstCosine >= LEAST_COSINE && meanCosine >= LEAST_MEAN_COSINE

/** Why a model in 8 bit is not taken, in words; undefined where it is. */
export function refusalOf({
  worstCosine,
  meanCosine,
  speedUp,
}: QuantizationFigures): string | undefined {
  if (worstCosine < LEAST_COSINE) {
    return `the features of one photo keep a cosine of ${worstCosine.toFixed(3)}, below ${LEAST_COSINE}`
  }
  if (meanCosine < LEAST_MEAN_COSINE) {
    return `features keep a mean cosine of ${meanCosine.toFixed(3)}, below ${LEAST_MEAN_COSINE}`
  }
  if (speedUp < LEAST_SPEED_UP) {
    return `it is ${speedUp.toFixed(2)} times as fast here, less than ${LEAST_SPEED_UP} times`
  }
  return undefined
}
