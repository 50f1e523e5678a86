/** A bundle in memory: features of a photo → probabilities of its labels and what it dares to say. */
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { answerRow } from '../learn/answer-row.ts'
import { placeOf, type RejectionModel, type RejectionPlace } from '../learn/rejection.ts'
import { transformFeatures } from '../learn/scaling.ts'
import { softmax } from '../learn/softmax.ts'
import { decodeSafetensors } from '../tensor/safetensors.ts'
import type { FloatTensor } from '../tensor/tensor.ts'
import type { BundleManifest } from './bundle-manifest.ts'
import { checkGolden, GOLDEN_FILE } from './golden.ts'
import { type BundleFiles, bundleId, verifyBundle } from './verify-bundle.ts'

/** What a classifier dares to say: `unsure` which label, or `unknown`, none of them. */
export const DECISIONS = ['ok', 'unsure', 'unknown'] as const
export type Decision = (typeof DECISIONS)[number]

export interface Classification {
  /** `[labels]`, before the temperature. */
  readonly logits: Float64Array
  /** `[labels]`, adding up to 1. */
  readonly probabilities: Float64Array
  readonly decision: Decision
  /** Where the photo is among the training photos; see `learn/rejection.ts`. Undefined where nothing was fitted. */
  readonly place: RejectionPlace | undefined
}

export interface Classifier {
  /** Id of the bundle. */
  readonly id: string
  readonly manifest: BundleManifest
  readonly labels: readonly string[]
  /** What tells photos that are none of the labels; undefined where nothing was fitted. */
  readonly rejection: RejectionModel | undefined
  /** Memory that its numbers take. */
  readonly sizeBytes: number
  /** Judges the mean features `[width]` over the views of the bundle. */
  classify(features: Float32Array): Classification
}

/** Name of the file that holds weights and statistics. */
export const HEAD_FILE = 'head.safetensors'

/**
 * Verifies a bundle, loads it and replays its golden answers.
 * Throws `bundle_damaged`, `bundle_too_new` or `bundle_self_test_failed`.
 */
export function loadClassifier(files: BundleFiles): Classifier {
  const manifest = verifyBundle(files)
  for (const name of [HEAD_FILE, GOLDEN_FILE]) {
    if (manifest.files[name] !== undefined) continue
    throw new VergerError('bundle_damaged', `Expected ${name} among the files of the bundle`, {
      hint: 'Train the bundle again.',
    })
  }
  const classifier = createClassifier(bundleId(files), manifest, readHead(files))
  checkGolden(classifier, files)
  return classifier
}

export function readHead(files: BundleFiles): ReadonlyMap<string, FloatTensor> {
  try {
    return decodeSafetensors(files.get(HEAD_FILE) ?? new Uint8Array())
  } catch (error) {
    throw new VergerError(
      'bundle_damaged',
      `Expected tensors in ${HEAD_FILE}: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'Copy the bundle again from where it came.', cause: error },
    )
  }
}

export function createClassifier(
  id: string,
  manifest: BundleManifest,
  tensors: ReadonlyMap<string, FloatTensor>,
): Classifier {
  const { labels, head, backbone } = manifest
  const width = backbone.features
  const weights = tensorOf(tensors, 'weights', [width, labels.length])
  const bias = tensorOf(tensors, 'bias', [labels.length])
  const rejection = rejectionOf(tensors, width, labels.length)
  return {
    id,
    manifest,
    labels,
    rejection,
    sizeBytes: [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    classify(features) {
      const transformed = transformFeatures(features, width, head.scaling)
      const logits = answerRow(transformed, { weights, bias })
      const probabilities = softmax(logits.map((logit) => logit / head.temperature))
      const place = rejection && placeOf(transformFeatures(features, width, 'unit'), rejection)
      const best = probabilities.reduce((a, b) => Math.max(a, b), 0)
      const decision = decide(best, place?.distance, head)
      return { logits, probabilities, decision, place }
    },
  }
}

/** Names what a classifier judges: classifiers of the same id judge the same features of a photo. */
export function featuresId({ manifest: { backbone } }: Pick<Classifier, 'manifest'>): string {
  const { sha256: weights, preprocessing, views } = backbone
  return sha256(Buffer.from(JSON.stringify({ weights, preprocessing, views })))
}

/** Judges the best probability and the distance against the thresholds of a head. */
export function decide(
  best: number,
  distance: number | undefined,
  { unsureBelow, unknownAbove }: Pick<BundleManifest['head'], 'unsureBelow' | 'unknownAbove'>,
): Decision {
  if (distance !== undefined && distance > unknownAbove) return 'unknown'
  return best < unsureBelow ? 'unsure' : 'ok'
}

function rejectionOf(
  tensors: ReadonlyMap<string, FloatTensor>,
  width: number,
  labels: number,
): RejectionModel | undefined {
  const projection = tensors.get('rejection.projection')
  if (projection === undefined) return undefined
  const dimensions = projection.dims[1] ?? 0
  return {
    width,
    dimensions,
    projection: tensorOf(tensors, 'rejection.projection', [width, dimensions]),
    centre: tensorOf(tensors, 'rejection.centre', [dimensions]),
    means: tensorOf(tensors, 'rejection.means', [labels, dimensions]),
    background: tensorOf(tensors, 'rejection.background', [dimensions]),
  }
}

function tensorOf(
  tensors: ReadonlyMap<string, FloatTensor>,
  name: string,
  dims: readonly number[],
): Float32Array {
  const tensor = tensors.get(name)
  if (tensor !== undefined && tensor.dims.join() === dims.join()) return tensor.data
  throw new VergerError(
    'bundle_damaged',
    `Expected the tensor ${name} of shape [${dims}] in ${HEAD_FILE}, received ${tensor ? `[${tensor.dims}]` : 'none'}`,
    { hint: 'Train the bundle again.' },
  )
}
