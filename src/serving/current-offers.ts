/**
 * Who answers for what, from memory while the registry stands as it was.
 *
 * For each model that was asked for there is one offer, and a switch is the assignment of another one. After a change in
 * the registry the offer is looked up anew; a default that is not loaded yet is loaded first, and who answered before
 * answers until then. A default that cannot be loaded here leaves the old one in place, and is tried again now and then.
 */
import type { EventEmitter } from 'node:events'
import { type ErrorCode, toVergerError, type VergerError } from '../core/errors.ts'
import type { HostEvents } from './host-events.ts'
import type { HostLog } from './host-log.ts'
import type { LoadedVersions } from './loaded-versions.ts'
import type { Offer, OfferedVersion, VersionSource } from './version-source.ts'

interface Entry {
  /** That of the source before the offer was looked up. */
  revision: string | undefined
  /** Who answers. */
  offer: Offer
  /** What the registry says and what is not ready here. */
  wanted?: Offer
  /** When the wanted version is tried again. */
  retryAtMs?: number
}

interface OffersContext {
  readonly loaded: LoadedVersions
  readonly log: HostLog
  readonly events: EventEmitter<HostEvents>
}

interface Asked {
  readonly model: string | undefined
  readonly version: string | undefined
}

/** How often it is looked which of the loaded versions were deleted. */
const SWEEP_MS = 2000

/** How often a default that failed here is tried again. */
const RETRY_MS = 10_000

/** Nothing of the name answers any more, whatever answered before. */
const GONE: readonly ErrorCode[] = ['model_unknown', 'version_unknown', 'model_has_no_version']

export class CurrentOffers {
  readonly #source: VersionSource
  readonly #loaded: LoadedVersions
  readonly #log: HostLog
  readonly #events: EventEmitter<HostEvents>
  readonly #entries = new Map<string, Asked & { readonly entry: Entry }>()
  readonly #lookups = new Map<string, Promise<Offer | undefined>>()

  constructor(source: VersionSource, { loaded, log, events }: OffersContext) {
    this.#source = source
    this.#events = events
    this.#loaded = loaded
    this.#log = log
  }

  /** Throws like the source where nothing has answered before. */
  find(model: string | undefined, version: string | undefined): Offer | Promise<Offer | undefined> {
    const key = keyOf(model, version)
    const known = this.#entries.get(key)?.entry
    const revision = this.#source.revision()
    if (known !== undefined && revision !== undefined && known.revision === revision) {
      if (known.retryAtMs !== undefined && performance.now() > known.retryAtMs) this.#ready(known)
      return known.offer
    }
    // One lookup for all who ask at the same revision.
    const lookupKey = JSON.stringify([key, revision])
    const running = this.#lookups.get(lookupKey)
    if (running !== undefined) return running
    const lookup = this.#lookUp(key, { model, version }, revision).finally(() =>
      this.#lookups.delete(lookupKey),
    )
    this.#lookups.set(lookupKey, lookup)
    return lookup
  }

  /**
   * Prepares a switch by others before the next photo comes, and lets go of what was deleted. Gives the function that
   * ends it.
   */
  follow(): () => void {
    let lastSweepMs = performance.now()
    let sweep: NodeJS.Timeout | undefined
    const unwatch = this.#source.watch?.(() => {
      void this.#refreshDefaults()
      if (sweep !== undefined) return
      const inMs = Math.max(0, lastSweepMs + SWEEP_MS - performance.now())
      sweep = setTimeout(() => {
        sweep = undefined
        lastSweepMs = performance.now()
        void this.#dropDeleted()
      }, inMs).unref()
    })
    return () => {
      unwatch?.()
      clearTimeout(sweep)
    }
  }

  async #refreshDefaults(): Promise<void> {
    for (const { model, version } of [...this.#entries.values()]) {
      if (version !== undefined) continue
      // Where it is gone, who asks for it is told why.
      await Promise.resolve(this.find(model, version)).catch(() => {})
    }
  }

  async #dropDeleted(): Promise<void> {
    for (const { model, version } of this.#loaded.states()) {
      try {
        await this.#source.find(model, version)
      } catch (error) {
        if (!GONE.includes(toVergerError(error).code)) continue
        this.#entries.delete(keyOf(model, version))
        this.#loaded.unload(model, version)
      }
    }
  }

  async #lookUp(
    key: string,
    asked: Asked,
    revision: string | undefined,
  ): Promise<Offer | undefined> {
    let found: Offer | undefined
    try {
      found = await this.#source.find(asked.model, asked.version)
    } catch (error) {
      return this.#keepOrThrow(key, toVergerError(error))
    }
    const before = this.#entries.get(key)?.entry
    // A lookup that began later may have ended earlier.
    if (found === undefined) return undefined
    const isSame = before !== undefined && sameVersion(before.offer.answering, found.answering)
    const needsLoading =
      asked.version === undefined && !isSame && this.#loaded.peek(found.answering) === undefined
    if (before === undefined || !needsLoading) {
      this.#entries.set(key, { ...asked, entry: { revision, offer: found } })
      if (before !== undefined) this.#tell(before.offer, found)
      return found
    }
    const { answering } = before.offer
    const entry: Entry = { revision, offer: { ...found, answering }, wanted: found }
    this.#entries.set(key, { ...asked, entry })
    this.#ready(entry)
    return entry.offer
  }

  /** Switches an entry once its wanted version is loaded. */
  #ready(entry: Entry): void {
    const { wanted } = entry
    if (wanted === undefined) return
    delete entry.retryAtMs
    this.#loaded.load(wanted.answering).then(
      () => {
        const before = entry.offer
        entry.offer = wanted
        delete entry.wanted
        this.#tell(before, wanted)
      },
      (error: unknown) => {
        entry.retryAtMs = performance.now() + RETRY_MS
        const who = { wanted: wanted.answering.answerer, answering: entry.offer.answering.answerer }
        this.#log.error(
          { err: error, ...who },
          'the new default cannot answer here; the version before still does',
        )
      },
    )
  }

  #tell(before: Offer, after: Offer): void {
    const [from, to] = [before.answering.answerer, after.answering.answerer]
    if (!('model' in to) || !('model' in from) || from.version === to.version) return
    this.#events.emit('switched', { model: to.model, from: from.version, to: to.version })
  }

  /** A registry that cannot be read says nothing about who answers. */
  #keepOrThrow(key: string, error: VergerError): Offer {
    const known = this.#entries.get(key)?.entry
    if (known === undefined) throw error
    if (GONE.includes(error.code)) {
      this.#entries.delete(key)
      throw error
    }
    this.#log.error({ err: error }, 'the registry cannot be read; who answered before still does')
    return known.offer
  }
}

const keyOf = (model: string | undefined, version: string | undefined): string =>
  JSON.stringify([model ?? null, version ?? null])

/** The same classifier under the same name. */
function sameVersion(a: OfferedVersion, b: OfferedVersion): boolean {
  return a.bundle === b.bundle && JSON.stringify(a.answerer) === JSON.stringify(b.answerer)
}
