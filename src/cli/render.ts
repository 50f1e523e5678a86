/** Text for people: errors, progress, numbers. Everything here goes to standard error or a terminal. */
import { styleText } from 'node:util'
import { formatDuration } from '../core/durations.ts'
import type { ErrorDescription } from '../core/errors.ts'
import { Progress } from '../core/progress.ts'
import type { Terminal } from './context.ts'

type Style = Parameters<typeof styleText>[0]

/** Colours text where the stream is a terminal that shows colours; NO_COLOR is honoured by `hasColors`. */
export function paint(stream: Terminal, style: Style, text: string): string {
  return stream.hasColors?.() === true ? styleText(style, text) : text
}

/** An error as two lines: what went wrong, what to do. */
export function renderError(stream: Terminal, error: ErrorDescription, subject?: string): string {
  const about = subject === undefined ? '' : `${subject}: `
  const first = `${paint(stream, 'red', 'error')} ${about}${error.message} [${error.code}]\n`
  return error.hint === undefined
    ? first
    : `${first}  ${paint(stream, 'cyan', 'hint')} ${error.hint}\n`
}

const NUMBER = new Intl.NumberFormat('en-US')
/** `10720` → `10,720`. */
export const formatCount = (count: number): string => NUMBER.format(count)

/** `photo` for 1, `photos` for any other count, with the count in front. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** How often a line of progress is redrawn on a terminal, and written elsewhere. */
export const REDRAW_MS = 100
export const PLAIN_LINE_MS = 10_000

/** Shows counted work: a line that is redrawn on a terminal, a plain line every ten seconds elsewhere. */
export class ProgressLine {
  readonly #stream: Terminal
  readonly #noun: string
  readonly #progress: Progress
  #drawnAtMs = performance.now()
  #news = ''

  constructor(stream: Terminal, noun: string, total: number) {
    this.#stream = stream
    this.#noun = noun
    this.#progress = new Progress(total)
  }

  /** Counts items; `news` stands at the end of the line until there is more. */
  add(count = 1, news = this.#news): void {
    this.#news = news
    this.#progress.add(count)
    const now = performance.now()
    const interval = this.#stream.isTTY === true ? REDRAW_MS : PLAIN_LINE_MS
    if (now - this.#drawnAtMs < interval) return
    this.#drawnAtMs = now
    this.#stream.write(
      this.#stream.isTTY === true ? `\r\x1b[2K${this.#line()}` : `${this.#line()}\n`,
    )
  }

  /** Goes on after a pause, which says nothing about the rate. */
  resume(): void {
    this.#progress.resume()
  }

  /** Removes the line from a terminal, so that other text can be written. */
  clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\x1b[2K')
  }

  /** `53/s, 2m10s left`, in the last seconds. */
  pace(): string {
    const { rate, etaMs } = this.#progress.state()
    const eta = etaMs === undefined || etaMs === 0 ? '' : `, ${formatDuration(etaMs)} left`
    return `${formatCount(Math.round(rate))}/s${eta}`
  }

  /** Items counted, and how long it took. */
  finish(): { readonly done: number; readonly elapsedMs: number } {
    this.clear()
    const { done, elapsedMs } = this.#progress.state()
    return { done, elapsedMs }
  }

  #line(): string {
    const { done, total = 0 } = this.#progress.state()
    const share = total === 0 ? 1 : done / total
    const bar = this.#stream.isTTY === true ? `${drawBar(share)} ` : ''
    const percent = `${Math.floor(share * 100)} %`
    return `${bar}${percent}  ${formatCount(done)} of ${plural(total, this.#noun)}, ${this.pace()}${this.#news}`
  }
}

export function drawBar(share: number, width = 24): string {
  const filled = Math.round(Math.min(1, share) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
