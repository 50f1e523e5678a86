/** What was chosen to answer a request, and answers every photo of it. */
import type { EventEmitter } from 'node:events'
import type { Backbone } from '../backbones/catalog.ts'
import { requireClassNames } from '../backbones/require-class-names.ts'
import type { Classification, Classifier } from '../bundles/classifier.ts'
import { meanOf } from '../features/featurize-photos.ts'
import { softmax } from '../learn/softmax.ts'
import type { Answer, Answerer, AnswerRequest } from './answer.ts'
import type { BackbonePool } from './backbone-pool.ts'
import type { AnswerRole, HostEvents } from './host-events.ts'

export interface Answering {
  readonly answerer: Answerer
  readonly labels: readonly string[]
  /** Throws `overloaded` or `share_exceeded` where so many further photos have no room in the queue. */
  admit(photos: number): void
  /** Rejects with a VergerError. */
  answer(photo: Omit<AnswerRequest, 'model' | 'version'>): Promise<Answer>
}

interface AnsweringContext {
  readonly pool: BackbonePool
  readonly events: EventEmitter<HostEvents>
}

/** Answers with the classes that a backbone has of its own. Throws `backbone_unnamed` where it has none. */
export function answerByBackbone(
  backbone: Backbone,
  { pool, events }: AnsweringContext,
): Answering {
  requireClassNames(backbone)
  const { id, labels } = backbone
  const answerer = { backbone: id }
  return {
    answerer,
    labels,
    admit: (photos) => pool.admit(backbone, '', photos),
    async answer({ source, photo, signal, onStage }) {
      const startMs = performance.now()
      const onStart = onStage && (() => onStage('run'))
      const [outputs] = await pool.borrow(backbone, ({ featurizer }) =>
        featurizer.run(photo, ['logits'], { signal, onStart }),
      )
      onStage?.('judge')
      const scores = softmax(outputs?.['logits'] ?? [])
      const answer: Answer = { source, answerer, decision: 'ok', labels, scores }
      events.emit('answered', { answer, tookMs: performance.now() - startMs })
      return answer
    },
  }
}

interface ChosenVersion {
  readonly answerer: Answerer
  readonly classifier: Classifier
  readonly backbone: Backbone
  readonly role: AnswerRole
}

interface VersionContext extends AnsweringContext {
  /** Keeps the version in memory meanwhile. */
  hold<Result>(use: () => Promise<Result>): Promise<Result>
  /** Compares what was answered with a version that stays silent. */
  compare(features: Float32Array, answered: Classification): void
}

export function answerByVersion(
  { answerer, classifier, backbone, role }: ChosenVersion,
  { pool, events, hold, compare }: VersionContext,
): Answering {
  const { labels, manifest } = classifier
  const { views, features: width } = manifest.backbone
  // Versions of a model share its turn.
  const group = 'model' in answerer ? answerer.model : ''
  return {
    answerer,
    labels,
    admit: (photos) => pool.admit(backbone, group, photos),
    async answer({ source, photo, signal, onStage }) {
      const startMs = performance.now()
      const onStart = onStage && (() => onStage('run'))
      const outputs = await hold(() =>
        pool.borrow(backbone, ({ featurizer }) =>
          featurizer.run(photo, ['features'], { views, signal, group, onStart }),
        ),
      )
      onStage?.('judge')
      const features = meanOf(
        outputs.map((view) => view['features'] ?? new Float32Array()),
        width,
      )
      const classification = classifier.classify(features)
      const { probabilities: scores, decision } = classification
      const answer: Answer = { source, answerer, decision, labels, scores }
      const tookMs = performance.now() - startMs
      events.emit('answered', { answer, classifier, classification, role, tookMs })
      compare(features, classification)
      return answer
    },
  }
}
