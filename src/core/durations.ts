/** Spans of time as people write and read them. */
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** `90s`, `30m`, `12h`, `90d` or `2w` in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})([smhdw])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) return undefined
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
}

/** `95_000` ms → `1m35s`; below a second `480ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.floor(durationMs)}ms`
  const seconds = Math.round(durationMs / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`
}
