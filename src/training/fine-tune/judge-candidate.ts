/** What a network and its head say of the validation photos: asked as the finished bundle would be. */
import { join } from 'node:path'
import pMap from 'p-map'
import type { Backbone } from '../../backbones/catalog.ts'
import { writeFileAtomic } from '../../core/atomic-write.ts'
import { sha256 } from '../../core/hashes.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { meanOf } from '../../features/featurize-photos.ts'
import { openFeaturizer } from '../../features/featurizer.ts'
import { encodeInferenceGraph } from '../../features/inference-graph.ts'
import type { View } from '../../features/views.ts'
import { answerRow } from '../../learn/answer-row.ts'
import { judgeSmoothed } from '../../learn/held-out.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Network } from '../../tensor/network.ts'
import type { Weights } from '../../tensor/tensor.ts'
import type { Judgement } from '../report.ts'
import type { TrainContext } from '../train-context.ts'

export interface Candidate {
  /** Gives features. */
  readonly network: Network
  readonly weights: Weights
  readonly head: LinearHead
}

export interface JudgePlan {
  /** What is fine-tuned. */
  readonly backbone: Backbone
  readonly views: readonly View[]
  readonly photos: readonly ScannedPhoto[]
  /** `[photos]` */
  readonly labels: Int32Array
  /** Takes the model while it is asked. */
  readonly folder: string
}

/** Undefined where what the candidate says is no number. Throws an error of a photo or of the disk. */
export async function judgeCandidate(
  { network, weights, head }: Candidate,
  { backbone, views, photos, labels, folder }: JudgePlan,
  { workers, limits, signal }: TrainContext,
): Promise<Judgement | undefined> {
  const model = encodeInferenceGraph(network, weights)
  const path = join(folder, 'candidate.onnx')
  await writeFileAtomic(path, model)
  const file = { path, sizeBytes: model.length, sha256: sha256(model) }
  const inFlight = 2 * workers
  const featurizer = openFeaturizer({
    backbone: { ...backbone, network, weights: { ...backbone.weights, ...file } },
    workers,
    limits: { ...limits, queuedPhotos: inFlight },
  })
  const classes = head.bias.length
  const logits = new Float32Array(photos.length * classes)
  const width = network.outputs['features']?.width ?? 0
  try {
    await pMap(
      photos.entries(),
      async ([place, { load, sha256: hash }]) => {
        const photo = typeof load === 'string' ? load : await load()
        const outputs = await featurizer.run(photo, ['features'], { views, sha256: hash, signal })
        const features = outputs.map((output) => output['features'] ?? new Float32Array())
        logits.set(answerRow(meanOf(features, width), head), place * classes)
      },
      { concurrency: inFlight },
    )
  } finally {
    await featurizer.close()
  }
  if (!logits.every(Number.isFinite)) return undefined
  const { accuracy, loss } = judgeSmoothed(labels, logits, classes)
  return { accuracy, loss }
}
