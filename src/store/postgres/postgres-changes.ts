/** Hears of changes by LISTEN, and looks at the row of the revision for when that connection is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type ChangeFeed, POLL_MS } from '../changes.ts'

/** Name under which each commit tells the revision that it made. */
export const CHANGE_CHANNEL = 'verger_changes'

const RECONNECT_MS = 1000

export interface PostgresChanges extends ChangeFeed {
  /** Says that this process has made a revision. */
  moveTo(revision: number): void
  close(): Promise<void>
}

export interface PostgresChangesOptions {
  /** A client that is not connected yet. */
  readonly connect: () => pg.Client
  readonly readRevision: () => Promise<number>
}

/**
 * `idle` until somebody asks; then `following`: one connection listens, and is replaced when it breaks, while a timer reads
 * the revision; `closed` at the end.
 */
export function createPostgresChanges(options: PostgresChangesOptions): PostgresChanges {
  return new Following(options)
}

class Following implements PostgresChanges {
  readonly #options: PostgresChangesOptions
  readonly #watchers = new Set<() => void>()
  readonly #closing = new AbortController()
  readonly #closed = new Promise<void>((resolve) => {
    this.#closing.signal.addEventListener('abort', () => resolve())
  })
  #following: Promise<unknown> | undefined
  /** Newest revision that was heard of. */
  #newest = 0
  /** Moves too when something may have been missed. */
  #moves = 0

  constructor(options: PostgresChangesOptions) {
    this.#options = options
  }

  revision(): string {
    this.#follow()
    return String(this.#moves)
  }

  watch(onChange: () => void): () => void {
    this.#follow()
    // A wrapper, so that the same function may watch twice.
    const watcher = () => onChange()
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  moveTo(revision: number): void {
    if (revision <= this.#newest) return
    this.#newest = revision
    this.#move()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#following
  }

  #move(): void {
    this.#moves++
    for (const watcher of this.#watchers) watcher()
  }

  #follow(): void {
    this.#following ??= Promise.all([this.#listen(), this.#poll()])
  }

  async #listen(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const client = this.#options.connect()
      const ended = new Promise<void>((resolve) => {
        client.on('end', resolve)
        client.on('error', () => resolve())
      })
      client.on('notification', ({ payload }) => this.moveTo(Number(payload)))
      try {
        await Promise.race([client.connect(), this.#closed])
        await client.query(`listen ${CHANGE_CHANNEL}`)
        // What was committed before this moment was not told.
        this.#move()
        await Promise.race([ended, this.#closed])
      } catch {
        // The poll goes on meanwhile, and those who query say what is wrong.
      }
      await client.end().catch(() => {})
      await this.#pause(RECONNECT_MS * (0.5 + Math.random()))
    }
  }

  async #poll(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#pause(POLL_MS)
      if (this.#closing.signal.aborted) return
      try {
        const revision = await this.#options.readRevision()
        // A database that was restored or replaced may have gone back.
        if (revision < this.#newest) this.#newest = 0
        this.moveTo(revision)
      } catch {
        // As above.
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {})
  }
}
