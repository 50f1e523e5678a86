/** Shows work whose end nobody knows: what is done now, for how long, and what was last found out. */

import { formatDuration } from '../core/durations.ts'
import type { Terminal } from './context.ts'
import { PLAIN_LINE_MS, REDRAW_MS } from './render.ts'

export class StepLine {
  readonly #stream: Terminal
  readonly #title: string
  readonly #startMs = performance.now()
  #drawnAtMs = performance.now()
  #news = ''
  #steps = 0

  constructor(stream: Terminal, title: string) {
    this.#stream = stream
    this.#title = title
  }

  /** Counts a step; `news` stays on the line until there is more. */
  step(news?: string): void {
    this.#steps++
    this.#news = news ?? this.#news
    const now = performance.now()
    const isTerminal = this.#stream.isTTY === true
    if (now - this.#drawnAtMs < (isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#drawnAtMs = now
    const elapsed = formatDuration(now - this.#startMs)
    const rate = Math.round(this.#steps / ((now - this.#startMs) / 1000))
    const text = `${this.#title}: step ${this.#steps} after ${elapsed} (${rate}/s)${this.#news === '' ? '' : `, ${this.#news}`}`
    this.#stream.write(isTerminal ? `\r\x1b[2K${text}` : `${text}\n`)
  }

  /** Removes the line from a terminal. */
  clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\x1b[2K')
  }
}
