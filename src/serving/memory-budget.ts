/** What is in memory and may leave it: beyond a number of bytes, what was not used longest goes first. */

export interface Evictable {
  /** What it takes, roughly. */
  readonly bytes: number
  /** Whether something is being answered with it: that stays, whatever it takes. */
  isBusy(): boolean
  /** Called once; it is out of the budget by then. */
  evict(): void
}

export class MemoryBudget {
  readonly #capacityBytes: number
  /** In the order of their use, the newest last. */
  readonly #held = new Set<Evictable>()
  #bytes = 0

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Says that something is used now, new or known, and lets others go for it where there is no room. */
  use(item: Evictable): void {
    if (!this.#held.delete(item)) this.#bytes += item.bytes
    this.#held.add(item)
    for (const oldest of this.#held) {
      if (this.#bytes <= this.#capacityBytes) return
      if (oldest === item || oldest.isBusy()) continue
      this.remove(oldest)
      oldest.evict()
    }
  }

  remove(item: Evictable): void {
    if (this.#held.delete(item)) this.#bytes -= item.bytes
  }
}
