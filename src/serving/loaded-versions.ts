/**
 * The versions that are in memory, by the id of their bundle.
 *
 *   (none) ──asked for──▶ loading ──hashes, golden answers, probe photo on a warm backbone──▶ ready
 *                            └─ one of them fails ▶ failed ──after RETRY_AFTER_MS, asked for──▶ loading
 *   ready ──not used longest and memory is wanted, or unloaded──▶ (none); who answers with it keeps it until then
 *
 * Whoever asks while a version loads waits for the same loading.
 */
import type { EventEmitter } from 'node:events'
import type { Backbone } from '../backbones/catalog.ts'
import type { WantedBackbone } from '../backbones/portable-backbones.ts'
import { checkBackbone } from '../bundles/check-backbone.ts'
import { type Classifier, featuresId, loadClassifier } from '../bundles/classifier.ts'
import { checkProbe } from '../bundles/golden.ts'
import type { BundleFiles } from '../bundles/verify-bundle.ts'
import { type ErrorCode, toVergerError, type VergerError } from '../core/errors.ts'
import type { BackbonePool } from './backbone-pool.ts'
import type { HostEvents } from './host-events.ts'
import type { Evictable, MemoryBudget } from './memory-budget.ts'
import type { VersionState } from './serving-host.ts'
import type { OfferedVersion } from './version-source.ts'

export interface LoadedVersion {
  readonly classifier: Classifier
  readonly backbone: Backbone
  /** See `featuresId`. */
  readonly featuresId: string
}

export interface LoadedVersionsOptions {
  readonly pool: BackbonePool
  readonly budget: MemoryBudget
  readonly events: EventEmitter<HostEvents>
  /** Finds the backbone that a bundle was made with. */
  findBackbone(
    wanted: Classifier['manifest']['backbone'],
    offered: FoundBackbone,
  ): Promise<Backbone>
}

/** The backbone that a version brought with it, where it did. */
export type FoundBackbone = ((wanted: WantedBackbone) => Promise<Backbone>) | undefined

/** How long a failure is remembered, so that a broken version does not cost a loading for each request. */
const RETRY_AFTER_MS = 5000

/** Errors that say nothing about the version: the next one who asks tries again. */
const PASSING: readonly ErrorCode[] = [
  'overloaded',
  'registry_busy',
  'server_closing',
  'share_exceeded',
  'worker_crashed',
  'worker_stuck',
]

/** Memory of what is not numbers: labels, names, places in lists. */
const LEAST_BYTES = 16 * 1024

interface Slot extends Evictable {
  readonly bundle: string
  readonly loading: Promise<LoadedVersion>
  /** Names under which it was asked for: `model/version` → the two. */
  readonly names: Map<string, { readonly model: string; readonly version: string }>
  bytes: number
  loaded?: LoadedVersion
  failed?: { readonly error: VergerError; readonly atMs: number }
  users: number
  lastUsedMs: number
}

export class LoadedVersions {
  readonly #options: LoadedVersionsOptions
  readonly #slots = new Map<string, Slot>()

  constructor(options: LoadedVersionsOptions) {
    this.#options = options
  }

  /** The version where it is ready now. */
  peek({ bundle }: Pick<OfferedVersion, 'bundle'>): LoadedVersion | undefined {
    return this.#slots.get(bundle)?.loaded
  }

  /** The version once it is ready. Rejects with the reason why it cannot be. */
  load(offered: OfferedVersion): Promise<LoadedVersion> {
    const slot = this.#slotOf(offered.bundle, offered.read, offered.backbone)
    const { answerer } = offered
    if ('model' in answerer) this.#name(slot, answerer)
    this.#touch(slot)
    return slot.loading
  }

  /** Loads a bundle that has no name yet, so that it is ready when it gets one. */
  async prepare(bundle: string, files: BundleFiles, backbone?: Backbone): Promise<void> {
    const brought = backbone === undefined ? undefined : async () => backbone
    await this.#slotOf(bundle, async () => files, brought).loading
  }

  /** Keeps a version in memory while `use` runs. */
  async hold<Result>(bundle: string, use: () => Promise<Result>): Promise<Result> {
    const slot = this.#slots.get(bundle)
    if (slot === undefined) return use()
    slot.users++
    this.#touch(slot)
    try {
      return await use()
    } finally {
      slot.users--
    }
  }

  states(): VersionState[] {
    return [...this.#slots.values()].flatMap(({ names, loaded, failed, bytes, lastUsedMs }) =>
      [...names.values()].map(({ model, version }) => ({
        model,
        version,
        state: failed !== undefined ? 'failed' : loaded === undefined ? 'loading' : 'ready',
        ...(failed === undefined ? {} : { reason: failed.error.describe() }),
        bytes,
        lastUsedAt: new Date(lastUsedMs).toISOString(),
      })),
    )
  }

  /** Forgets a name, and what it stood for where it has no other. */
  unload(model: string, version: string): void {
    for (const slot of this.#slots.values()) {
      if (slot.names.delete(`${model}/${version}`) && slot.names.size === 0) this.#remove(slot)
    }
  }

  /** A name stands for one bundle: it was deleted and given anew where another has it. */
  #name(
    slot: Slot,
    { model, version }: { readonly model: string; readonly version: string },
  ): void {
    const name = `${model}/${version}`
    if (slot.names.has(name)) return
    this.unload(model, version)
    slot.names.set(name, { model, version })
  }

  #touch(slot: Slot): void {
    slot.lastUsedMs = Date.now()
    if (slot.loaded !== undefined) this.#options.budget.use(slot)
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.bundle)
    this.#options.budget.remove(slot)
  }

  #slotOf(bundle: string, read: () => Promise<BundleFiles>, brought: FoundBackbone): Slot {
    const known = this.#slots.get(bundle)
    const isStale =
      known?.failed !== undefined && performance.now() - known.failed.atMs > RETRY_AFTER_MS
    if (known !== undefined && !isStale) return known
    const startMs = performance.now()
    const tell = (error?: ErrorCode) => {
      const tookMs = performance.now() - startMs
      for (const name of slot.names.values()) {
        this.#options.events.emit('loaded', { ...name, tookMs, ...(error && { error }) })
      }
    }
    const slot: Slot = {
      bundle,
      loading: this.#load(read, brought),
      names: known?.names ?? new Map(),
      bytes: 0,
      users: 0,
      lastUsedMs: Date.now(),
      isBusy: () => slot.users > 0,
      evict: () => this.#slots.delete(bundle),
    }
    this.#slots.set(bundle, slot)
    slot.loading.then(
      (loaded) => {
        tell()
        if (this.#slots.get(bundle) !== slot) return
        slot.loaded = loaded
        slot.bytes = LEAST_BYTES + loaded.classifier.sizeBytes
        this.#options.budget.use(slot)
      },
      (error: unknown) => {
        const known = toVergerError(error)
        tell(known.code)
        if (this.#slots.get(bundle) !== slot) return
        if (PASSING.includes(known.code)) this.#remove(slot)
        else slot.failed = { error: known, atMs: performance.now() }
      },
    )
    return slot
  }

  async #load(read: () => Promise<BundleFiles>, brought: FoundBackbone): Promise<LoadedVersion> {
    const files = await read()
    const classifier = loadClassifier(files)
    const wanted = classifier.manifest.backbone
    const backbone = await this.#options.findBackbone(wanted, brought)
    checkBackbone(wanted, backbone)
    const probe = await this.#options.pool.borrow(backbone, (open) => open.probe(wanted.views))
    checkProbe(files, probe)
    return { classifier, backbone, featuresId: featuresId(classifier) }
  }
}
