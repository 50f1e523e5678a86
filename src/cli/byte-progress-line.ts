/** Shows bytes on their way: how many of how many, how fast, how long still. */

import { formatDuration } from '../core/durations.ts'
import { Progress } from '../core/progress.ts'
import type { Terminal } from './context.ts'
import { drawBar, PLAIN_LINE_MS, REDRAW_MS } from './render.ts'
import { formatBytes } from './render-dataset.ts'

export class ByteProgressLine {
  readonly #stream: Terminal
  /** What happens to the bytes, e.g. `downloaded`. */
  readonly #verb: string
  #progress = new Progress()
  /** Bytes that were there before the first update of this progress. */
  #baseBytes: number | undefined
  #doneBytes = 0
  #drawnAtMs = performance.now()

  constructor(stream: Terminal, verb: string) {
    this.#stream = stream
    this.#verb = verb
  }

  /** Fewer bytes than before mean that the work started over. */
  update(doneBytes: number, totalBytes?: number): void {
    if (this.#baseBytes === undefined || doneBytes < this.#doneBytes) {
      this.#progress = new Progress()
      this.#baseBytes = doneBytes
      this.#doneBytes = doneBytes
    }
    this.#progress.total = totalBytes === undefined ? undefined : totalBytes - this.#baseBytes
    this.#progress.add(doneBytes - this.#doneBytes)
    this.#doneBytes = doneBytes
    const now = performance.now()
    const isTerminal = this.#stream.isTTY === true
    if (now - this.#drawnAtMs < (isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#drawnAtMs = now
    this.#stream.write(
      isTerminal ? `\r\x1b[2K${this.#line(totalBytes)}` : `${this.#line(totalBytes)}\n`,
    )
  }

  /** Removes the line from a terminal, so that other text can be written. */
  clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\x1b[2K')
  }

  #line(totalBytes: number | undefined): string {
    const { rate, etaMs } = this.#progress.state()
    const done = formatBytes(this.#doneBytes)
    const speed = `${formatBytes(Math.round(rate))}/s`
    if (totalBytes === undefined) return `${done} ${this.#verb}, ${speed}`
    const share = totalBytes === 0 ? 1 : this.#doneBytes / totalBytes
    const bar = this.#stream.isTTY === true ? `${drawBar(share)} ` : ''
    const eta = etaMs === undefined ? '' : `, ${formatDuration(etaMs)} left`
    return `${bar}${Math.floor(share * 100)} %  ${done} of ${formatBytes(totalBytes)} ${this.#verb}, ${speed}${eta}`
  }
}
