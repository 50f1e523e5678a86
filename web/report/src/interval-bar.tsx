import type { Interval } from '../../../src/training/report.ts'

interface IntervalBarProps {
  readonly interval: Interval
  /** Shares at the ends of the axis. */
  readonly from?: number
  readonly to?: number
}

/** An estimate as a dot inside of its interval; the numbers stand beside it as text. */
export function IntervalBar({ interval, from = 0, to = 1 }: IntervalBarProps) {
  const place = (share: number) => `${((share - from) / (to - from)) * 100}%`
  return (
    <span class="interval" aria-hidden="true">
      <span
        class="interval-range"
        style={{ left: place(interval.low), right: `calc(100% - ${place(interval.high)})` }}
      />
      <span class="interval-dot" style={{ left: place(interval.value) }} />
    </span>
  )
}
