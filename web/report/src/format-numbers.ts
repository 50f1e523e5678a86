/** Numbers as people read them. A figure that does not exist (no photo, division by none) is a dash. */

const COUNT = new Intl.NumberFormat('en-US')
const MISSING = '–'

/** `10720` → `10,720`. */
export const formatCount = (count: number): string => COUNT.format(count)

/** `3 photos`, `1 photo`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`

/**
 * A share of 0 to 1 in percent: `0.8841` → `88.4 %`. What is not all and not nothing is never
 * written as 100 or 0.
 */
export function formatPercent(share: number | null, digits = 1): string {
  if (share === null || !Number.isFinite(share)) return MISSING
  const text = (share * 100).toFixed(digits)
  const step = 10 ** -digits
  if (share < 1 && Number(text) === 100) return `>\u00a0${(100 - step).toFixed(digits)}\u00a0%`
  if (share > 0 && Number(text) === 0) return `<\u00a0${step}\u00a0%`
  return `${text}\u00a0%`
}

/** A difference of two shares in percentage points, with its sign: `0.012` → `+1.2`. */
export function formatPoints(difference: number): string {
  if (!Number.isFinite(difference)) return MISSING
  const text = Math.abs(difference * 100).toFixed(1)
  if (Number(text) === 0) return '±0.0'
  return `${difference < 0 ? '−' : '+'}${text}`
}

/** A positive number of any size with at most `digits` significant digits: `0.00031`, `1e-9`. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return MISSING
  return String(Number(value.toPrecision(digits)))
}

/** `12_345_678` → `12.3 MB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = sizeBytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)}\u00a0${units[unit]}`
}

/** `220_000` → `3 min 40 s`; `4_000_000` → `1 h 7 min`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`
  return minutes === 0 ? `${seconds}\u00a0s` : `${minutes}\u00a0min ${seconds % 60}\u00a0s`
}

/** ISO 8601 → `22 November 2026 at 08:47 UTC`. */
export function formatTime(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  const format = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  return `${format.format(time)} UTC`
}

/** What McNemar's test says of `more` photos on one side and `fewer` on the other, in words. */
export function describeChance(pValue: number, more: number, fewer: number): string {
  if (more + fewer === 0) return 'Both are right about the same photos.'
  const p = pValue < 0.001 ? 'p\u00a0<\u00a00.001' : `p\u00a0=\u00a0${pValue.toFixed(3)}`
  const [many, few] = more >= fewer ? [more, fewer] : [fewer, more]
  const verdict = pValue < 0.05 ? 'it is hardly chance' : 'it may well be chance'
  return `Were both equally good, a division as uneven as ${formatCount(many)} to ${formatCount(few)} would come about ${howOften(pValue)} (McNemar's test, ${p}): ${verdict}.`
}

function howOften(pValue: number): string {
  if (pValue >= 0.995) return 'always'
  if (pValue < 0.001) return 'less than once in 1,000 times'
  const [times, of] = pValue < 0.01 ? [pValue * 1000, '1,000'] : [pValue * 100, '100']
  return Math.round(times) === 1 ? `once in ${of} times` : `${Math.round(times)} times in ${of}`
}
