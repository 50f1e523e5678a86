/** Photo → scores: what the command line, every protocol and the library call. */
import { EventEmitter } from 'node:events'
import { type Backbone, DEFAULT_BACKBONE } from '../backbones/catalog.ts'
import { requireClassNames } from '../backbones/require-class-names.ts'
import { loadClassifier } from '../bundles/classifier.ts'
import type { BundleFiles } from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import type { ErrorDescription } from '../core/errors.ts'
import { meanOf } from '../features/featurize-photos.ts'
import type { Load } from '../features/featurizer.ts'
import { softmax } from '../learn/softmax.ts'
import {
  type Answer,
  type AnswerRequest,
  type Prediction,
  type PredictRequest,
  toPrediction,
} from './answer.ts'
import { openBackbonePool } from './backbone-pool.ts'
import type { HostEvents } from './host-events.ts'
import type { ServedModel, VersionSource } from './version-source.ts'

/** What answers, and what it takes and gives. */
export interface ServedDescription {
  /** Both absent where a bundle without a name or a bare backbone answers. */
  readonly model?: string
  readonly version?: string
  /** Id of the bundle; absent where a bare backbone answers. */
  readonly bundle?: string
  readonly labels: readonly string[]
  /** Id of the backbone. */
  readonly backbone: string
  /** Numbers that the backbone makes of a photo. */
  readonly features: number
  /** Side in pixels of what enters the network; photos of any size are taken. */
  readonly inputSize: number
}

export const VERSION_STATES = ['loading', 'ready', 'failed'] as const

/** A version that is loaded, that loads, or that could not be. */
export interface VersionState {
  readonly model: string
  readonly version: string
  readonly state: (typeof VERSION_STATES)[number]
  /** Why it failed. */
  readonly reason?: ErrorDescription
  /** Memory that it takes beside its backbone. */
  readonly bytes: number
  /** ISO 8601. */
  readonly lastUsedAt: string
}

export interface ServingHost {
  /** Backbone that answers where no model is named. */
  readonly backbone: string
  readonly workers: number
  readonly load: Load
  readonly events: EventEmitter<HostEvents>
  /** Every score for one photo. Rejects with a VergerError. */
  answer(request: AnswerRequest): Promise<Answer>
  /** The best scores for one photo. Rejects with a VergerError. */
  predict(request: PredictRequest): Promise<Prediction>
  /** Says what answers, and loads it where it is not loaded. Rejects with the reason why nothing can answer. */
  describe(model?: string, version?: string): Promise<ServedDescription>
  /**
   * Does all that a version must pass before it may answer: hashes, golden answers, probe photo, on a warm backbone.
   * Rejects with the reason; nobody is answered by it then.
   */
  prepare(files: BundleFiles, backbone?: Backbone): Promise<void>
  states(): readonly VersionState[]
  /** Takes a version out of memory; it is loaded again when it is next asked for. */
  unload(model: string, version: string): Promise<void>
  warm(): Promise<void>
  close(): Promise<void>
}

export interface ServingHostOptions {
  /** Id of a backbone whose own classifier answers where no model is named. */
  readonly backbone?: string
  /** Folder that holds the backbones beside the shipped one. */
  readonly home?: string
  /** Where named models come from, and what answers instead of a backbone. */
  readonly versions?: VersionSource
  readonly workers: number
  readonly limits: Limits
}

/**
 * Opens a host; the first worker of its own backbone starts to load at once, the others when a version needs them.
 * Throws `backbone_unknown`, `backbone_missing` or `backbone_damaged`.
 */
export function openServingHost(options: ServingHostOptions): ServingHost {
  const { workers, limits, versions, home } = options
  const pool = openBackbonePool({ workers, limits, home })
  const own = pool.open(options.backbone ?? DEFAULT_BACKBONE)
  const { backbone } = own

  const events = new EventEmitter<HostEvents>()

  async function classify(served: ServedModel, { photo, signal, onStage }: AnswerRequest) {
    const { manifest, labels } = served.classifier
    const { featurizer, selfTest } = pool.open(manifest.backbone.id)
    await selfTest(served)
    const views = await featurizer.run(photo, ['features'], {
      views: manifest.backbone.views,
      signal,
      onStart: onStage && (() => onStage('run')),
    })
    onStage?.('judge')
    const features = meanOf(
      views.map((view) => view['features'] ?? new Float32Array()),
      manifest.backbone.features,
    )
    const classification = served.classifier.classify(features)
    const { probabilities, decision } = classification
    return { scores: probabilities, labels, decision, classification }
  }

  async function recognise({ photo, signal, onStage }: AnswerRequest) {
    requireClassNames(backbone)
    const [outputs] = await own.featurizer.run(photo, ['logits'], {
      signal,
      onStart: onStage && (() => onStage('run')),
    })
    onStage?.('judge')
    const scores = softmax(outputs?.['logits'] ?? [])
    return { scores, labels: backbone.labels, decision: 'ok' as const }
  }

  async function answer(request: AnswerRequest): Promise<Answer> {
    const startMs = performance.now()
    const { source, model, version } = request
    const served = await versions?.find(model, version)
    if (served === undefined) {
      const answer: Answer = {
        source,
        answerer: { backbone: backbone.id },
        ...(await recognise(request)),
      }
      events.emit('answered', { answer, tookMs: performance.now() - startMs })
      return answer
    }
    const { classification, ...judged } = await classify(served, request)
    const answer: Answer = { source, answerer: served.answerer, ...judged }
    const { classifier } = served
    const tookMs = performance.now() - startMs
    events.emit('answered', { answer, classifier, classification, tookMs })
    return answer
  }

  return {
    backbone: backbone.id,
    workers,
    get load() {
      return pool.load
    },
    events,
    answer,
    predict: async (request) => toPrediction(await answer(request), request.top),
    async describe(model, version) {
      const served = await versions?.find(model, version)
      if (served === undefined) {
        requireClassNames(backbone)
        return describeServed(backbone, backbone.labels)
      }
      const opened = pool.open(served.classifier.manifest.backbone.id)
      await opened.selfTest(served)
      const { id, labels } = served.classifier
      return { ...served.answerer, bundle: id, ...describeServed(opened.backbone, labels) }
    },
    async prepare(files) {
      const classifier = loadClassifier(files)
      const { selfTest } = pool.open(classifier.manifest.backbone.id)
      await selfTest({ classifier, files, answerer: { bundle: classifier.id } })
    },
    states: () => [],
    unload: async () => {},
    warm: () => own.featurizer.warm(),
    close: () => pool.close(),
  }
}

const describeServed = ({ id, network }: Backbone, labels: readonly string[]) => ({
  labels,
  backbone: id,
  features: network.outputs['features']?.width ?? 0,
  inputSize: network.input.size,
})
