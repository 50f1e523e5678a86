/**
 * The backbones that a host has open, one pool of workers for each.
 *
 *   closed ──asked for──▶ open ──not used longest, nothing in hand, memory is wanted──▶ closed
 *
 * Named by the hash of their weights, so that two versions share one pool whatever they call their backbone.
 */
import type { Backbone } from '../backbones/catalog.ts'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { meanOf } from '../features/featurize-photos.ts'
import { type Featurizer, type Load, openFeaturizer } from '../features/featurizer.ts'
import type { View } from '../features/views.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'
import type { MemoryBudget } from './memory-budget.ts'

export interface OpenBackbone {
  readonly backbone: Backbone
  readonly featurizer: Featurizer
  /** Features of the probe photo over views, computed once. */
  probe(views: readonly View[]): Promise<Float32Array>
}

/** A backbone that is open. */
export interface BackboneState {
  readonly backbone: string
  readonly workers: number
  /** Memory that its workers take, as the budget counts it. */
  readonly bytes: number
  /** Photos that wait for it, by model; those that name none stand under the empty name. */
  readonly waiting: ReadonlyMap<string, number>
}

export interface BackbonePool {
  /** Starts to load a backbone. Throws like `borrow`. */
  open(backbone: Backbone): OpenBackbone
  /**
   * Lends a backbone for as long as `use` runs, and opens it where it is not open.
   * Throws `backbone_missing`, `backbone_damaged` or `server_closing`.
   */
  borrow<Result>(backbone: Backbone, use: (open: OpenBackbone) => Promise<Result>): Promise<Result>
  /** Throws `overloaded` or `share_exceeded`; a backbone that is not open has room for a whole queue. */
  admit(backbone: Backbone, group: string, photos: number): void
  /** Of all of them together; the time is that of the busiest. */
  readonly load: Load
  states(): BackboneState[]
  /** From now on every worker of a backbone is warm before the backbone is first used, instead of one. */
  keepWarm(): void
  close(): Promise<void>
}

export interface BackbonePoolOptions {
  readonly workers: number
  /** Threads that compute a photo which finds all workers idle. */
  readonly threadsAlone: number
  readonly limits: Limits
  readonly budget: MemoryBudget
}

/** Workers that compute the first probe photo of a backbone, and have loaded it then. */
type ProbeWorkers = () => number

const MiB = 1024 * 1024
/** Memory of a worker beside its weights: its own JavaScript, decoders, and what a photo is computed in. */
const WORKER_BYTES = 60 * MiB
/** What one byte of weights takes in a session. */
const SESSION_FACTOR = 1.5

export function openBackbonePool({
  workers,
  threadsAlone,
  limits,
  budget,
}: BackbonePoolOptions): BackbonePool {
  const opened = new Map<string, PooledBackbone>()
  const closing = new Set<Promise<void>>()
  let isClosed = false
  let isWarm = false

  function open(backbone: Backbone): PooledBackbone {
    if (isClosed) {
      throw new VergerError('server_closing', 'Expected open backbones, they are being closed')
    }
    const { sha256 } = backbone.weights
    const known = opened.get(sha256)
    if (known !== undefined) {
      budget.use(known)
      return known
    }
    const fresh: PooledBackbone = new PooledBackbone(
      backbone,
      openFeaturizer({ backbone, workers, threadsAlone, limits }),
      workers + (threadsAlone > 1 ? 1 : 0),
      () => (isWarm ? workers : 1),
      () => {
        opened.delete(sha256)
        const closed = fresh.close().finally(() => closing.delete(closed))
        closing.add(closed)
      },
    )
    opened.set(sha256, fresh)
    budget.use(fresh)
    return fresh
  }

  const each = <Value>(read: (load: Load) => Value): Value[] =>
    [...opened.values()].map(({ featurizer }) => read(featurizer.load))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    open,
    async borrow(backbone, use) {
      const pooled = open(backbone)
      pooled.users++
      try {
        return await use(pooled)
      } finally {
        pooled.users--
      }
    },
    admit(backbone, group, photos) {
      opened.get(backbone.weights.sha256)?.featurizer.admit(group, photos)
    },
    get load() {
      return {
        waiting: sum(each(({ waiting }) => waiting)),
        running: sum(each(({ running }) => running)),
        waitMs: Math.max(0, ...each(({ waitMs }) => waitMs)),
      }
    },
    states: () =>
      [...opened.values()].map(({ backbone, featurizer: { workers, waitingByGroup }, bytes }) => ({
        backbone: backbone.id,
        workers,
        bytes,
        waiting: waitingByGroup,
      })),
    keepWarm() {
      isWarm = true
    },
    async close() {
      isClosed = true
      await Promise.all([...[...opened.values()].map((pooled) => pooled.close()), ...closing])
    },
  }
}

class PooledBackbone implements OpenBackbone {
  readonly backbone: Backbone
  readonly featurizer: Featurizer
  readonly bytes: number
  readonly evict: () => void
  readonly #probeWorkers: ProbeWorkers
  users = 0
  readonly #probes = new Map<string, Promise<Float32Array>>()

  constructor(
    backbone: Backbone,
    featurizer: Featurizer,
    /** One for each worker, and one for photos that are alone. */
    sessions: number,
    probeWorkers: ProbeWorkers,
    evict: () => void,
  ) {
    this.backbone = backbone
    this.featurizer = featurizer
    this.bytes =
      featurizer.workers * WORKER_BYTES + sessions * SESSION_FACTOR * backbone.weights.sizeBytes
    this.#probeWorkers = probeWorkers
    this.evict = evict
  }

  isBusy(): boolean {
    return this.users > 0
  }

  probe(views: readonly View[]): Promise<Float32Array> {
    const key = JSON.stringify(views)
    let probe = this.#probes.get(key)
    if (probe === undefined) {
      probe = this.#compute(views)
      this.#probes.set(key, probe)
      probe.catch(() => this.#probes.delete(key))
    }
    return probe
  }

  async #compute(views: readonly View[]): Promise<Float32Array> {
    const [first = []] = await Promise.all(
      Array.from({ length: this.#probeWorkers() }, () =>
        this.featurizer.run(PROBE_SCENE, ['features'], { views, isUrgent: true }),
      ),
    )
    this.featurizer.prepareAlone(views)
    return meanOf(
      first.map((view) => view['features'] ?? new Float32Array()),
      this.backbone.network.outputs['features']?.width ?? 0,
    )
  }

  close(): Promise<void> {
    return this.featurizer.close()
  }
}
