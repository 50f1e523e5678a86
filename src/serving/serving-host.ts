/** Photo → scores: what the command line, every protocol and the library call. */
import { EventEmitter } from 'node:events'
import { type Backbone, DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { findWantedBackbone } from '../backbones/portable-backbones.ts'
import { requireClassNames } from '../backbones/require-class-names.ts'
import { type BundleFiles, bundleId } from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import type { ErrorDescription } from '../core/errors.ts'
import type { Load } from '../features/featurizer.ts'
import {
  type Answer,
  type AnswerRequest,
  type Prediction,
  type PredictRequest,
  toPrediction,
} from './answer.ts'
import { type Answering, answerByBackbone, answerByVersion } from './answering.ts'
import { type BackboneState, openBackbonePool } from './backbone-pool.ts'
import { CurrentOffers } from './current-offers.ts'
import type { HostEvents } from './host-events.ts'
import { type HostLog, SILENT } from './host-log.ts'
import { LoadedVersions } from './loaded-versions.ts'
import { MemoryBudget } from './memory-budget.ts'
import { compareWithShadow } from './shadow.ts'
import type { Offer, VersionSource } from './version-source.ts'

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
  /** Versions with the same one judge the same features of a photo; absent where a bare backbone answers. */
  readonly featuresId?: string
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
  /**
   * Says which version answers a request, for all its photos: the one that is named, or else the default, or else, for
   * its share of the requests, the canary. It is loaded where it is not. Rejects with the reason why nothing can answer.
   */
  choose(model?: string, version?: string): Promise<Answering>
  /** Every score for one photo. Rejects with a VergerError. */
  answer(request: AnswerRequest): Promise<Answer>
  /** The best scores for one photo. Rejects with a VergerError. */
  predict(request: PredictRequest): Promise<Prediction>
  /** What a version is, or the default of a model, loaded where it is not. Rejects like `choose`. */
  describe(model?: string, version?: string): Promise<ServedDescription>
  /**
   * Does all that a version must pass before it may answer: hashes, golden answers, probe photo on a warm backbone.
   * Rejects with the reason; nobody is answered by it then.
   */
  prepare(files: BundleFiles, backbone?: Backbone): Promise<void>
  /** The versions of models that are loaded, that load, or that failed lately. */
  states(): readonly VersionState[]
  /** The backbones that are open. */
  backbones(): readonly BackboneState[]
  /** Takes a version out of memory; who answers with it goes on, and it is loaded again when it is next asked for. */
  unload(model: string, version: string): Promise<void>
  /** Lets every worker load the backbone of the host, and from now on those of others before they answer. */
  warm(): Promise<void>
  close(): Promise<void>
}

export interface ServingHostOptions {
  /** A backbone, or its id, whose own classifier answers where no model is named. */
  readonly backbone?: string | Backbone
  /** Folder that holds the backbones beside the shipped one. */
  readonly home?: string
  /** Where named models come from, and what answers instead of a backbone. */
  readonly versions?: VersionSource
  readonly workers: number
  /** Threads that compute a photo which finds all workers idle; 1 by default, which saves memory. */
  readonly threadsAlone?: number
  readonly limits: Limits
  readonly log?: HostLog
}

/**
 * Opens a host; the first worker of its own backbone starts to load at once, the others when a version needs them.
 * Throws `backbone_unknown`, `backbone_missing` or `backbone_damaged`.
 */
export function openServingHost(options: ServingHostOptions): ServingHost {
  const { workers, threadsAlone = 1, limits, versions, home, log = SILENT } = options
  const events = new EventEmitter<HostEvents>()
  const budget = new MemoryBudget(limits.loadedBytes)
  const pool = openBackbonePool({ workers, threadsAlone, limits, budget })
  const { backbone: asked = DEFAULT_BACKBONE } = options
  const own = typeof asked === 'string' ? findBackbone(asked, home) : asked
  pool.open(own)
  const loaded = new LoadedVersions({
    pool,
    budget,
    events,
    findBackbone: async (wanted, brought) =>
      brought === undefined ? findWantedBackbone(wanted, home) : brought(wanted),
  })
  const offers = versions && new CurrentOffers(versions, { loaded, log, events })
  const unfollow = offers?.follow()

  async function choose(
    model: string | undefined,
    version: string | undefined,
  ): Promise<Answering> {
    const offer = await offers?.find(model, version)
    if (offer === undefined) return answerByBackbone(own, { pool, events })
    const role = version !== undefined ? 'named' : takesCanary(offer) ? 'canary' : 'default'
    const { canary, shadow } = offer
    const offered = role === 'canary' && canary !== undefined ? canary.offered : offer.answering
    const { answerer, bundle } = offered
    const ready = await loaded.load(offered)
    return answerByVersion(
      { answerer, role, ...ready },
      {
        pool,
        events,
        hold: (use) => loaded.hold(bundle, use),
        compare(features, classification) {
          if (role !== 'default' || shadow === undefined) return
          const answered = { answerer, features, classification, ...ready }
          compareWithShadow(shadow, answered, { loaded, log, events })
        },
      },
    )
  }

  /** A canary that is not ready leaves its share to the default; it is loaded beside. */
  function takesCanary({ canary }: Offer): boolean {
    if (canary === undefined || Math.random() * 100 >= canary.percent) return false
    if (loaded.peek(canary.offered) !== undefined) return true
    loaded.load(canary.offered).catch((error: unknown) => {
      log.error({ err: error, ...canary.offered.answerer }, 'the canary cannot answer here')
    })
    return false
  }

  async function answer({ model, version, ...photo }: AnswerRequest): Promise<Answer> {
    return (await choose(model, version)).answer(photo)
  }

  return {
    backbone: own.id,
    workers,
    get load() {
      return pool.load
    },
    events,
    choose,
    answer,
    predict: async (request) => toPrediction(await answer(request), request.top),
    async describe(model, version) {
      const offer = await offers?.find(model, version)
      if (offer === undefined) {
        requireClassNames(own)
        return describeServed(own, own.labels)
      }
      const { answerer, bundle } = offer.answering
      const { classifier, backbone, featuresId } = await loaded.load(offer.answering)
      const named = 'model' in answerer ? answerer : {}
      return { ...named, bundle, featuresId, ...describeServed(backbone, classifier.labels) }
    },
    prepare: (files, backbone) => loaded.prepare(bundleId(files), files, backbone),
    states: () => loaded.states(),
    backbones: () => pool.states(),
    unload: async (model, version) => loaded.unload(model, version),
    async warm() {
      pool.keepWarm()
      const { featurizer } = pool.open(own)
      await featurizer.warm()
      featurizer.prepareAlone()
    },
    async close() {
      unfollow?.()
      await pool.close()
    },
  }
}

const describeServed = ({ id, network }: Backbone, labels: readonly string[]) => ({
  labels,
  backbone: id,
  features: network.outputs['features']?.width ?? 0,
  inputSize: network.input.size,
})
