/** Progress of counted work: rate over a sliding window and the time that remains. */

export interface ProgressState {
  readonly done: number
  /** Unknown while the work is still being counted. */
  readonly total: number | undefined
  /** Items per second over the last seconds; 0 before the first item. */
  readonly rate: number
  readonly elapsedMs: number
  /** Milliseconds that remain at this rate; unknown without a total or a rate. */
  readonly etaMs: number | undefined
}

const WINDOW_MS = 10_000

/** Counts items against a clock in milliseconds. */
export class Progress {
  readonly #now: () => number
  readonly #startMs: number
  readonly #marks: { readonly atMs: number; readonly done: number }[] = []
  #done = 0
  total: number | undefined

  constructor(total?: number, now: () => number = () => performance.now()) {
    this.#now = now
    this.#startMs = now()
    this.#marks.push({ atMs: this.#startMs, done: 0 })
    this.total = total
  }

  add(count = 1): void {
    this.#done += count
    const atMs = this.#now()
    const last = this.#marks.at(-1)
    if (last === undefined || atMs - last.atMs >= 100) this.#marks.push({ atMs, done: this.#done })
    while (this.#marks.length > 2 && atMs - (this.#marks[0]?.atMs ?? atMs) > WINDOW_MS) {
      this.#marks.shift()
    }
  }

  /** Leaves what has passed out of the rate, after a pause that is none of the work. */
  resume(): void {
    this.#marks.splice(0, this.#marks.length, { atMs: this.#now(), done: this.#done })
  }

  state(): ProgressState {
    const now = this.#now()
    const first = this.#marks[0] ?? { atMs: this.#startMs, done: 0 }
    const seconds = (now - first.atMs) / 1000
    const rate = seconds > 0 ? (this.#done - first.done) / seconds : 0
    const left = this.total === undefined ? undefined : Math.max(0, this.total - this.#done)
    return {
      done: this.#done,
      total: this.total,
      rate,
      elapsedMs: now - this.#startMs,
      etaMs: left === undefined || rate === 0 ? undefined : (left / rate) * 1000,
    }
  }
}
