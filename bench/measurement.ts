/** One measured figure, alone or beside its limit. */
export interface Measurement {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly limit?: { readonly text: string; readonly holds: boolean }
}

/** A figure that has no limit of its own but explains another. */
export const figure = (what: string, value: number, unit: string): Measurement => ({
  what,
  value,
  unit,
})

export function atMost(what: string, value: number, unit: string, limit: number): Measurement {
  return { what, value, unit, limit: { text: `≤ ${limit}`, holds: value <= limit } }
}

export function atLeast(what: string, value: number, unit: string, limit: number): Measurement {
  return { what, value, unit, limit: { text: `≥ ${limit}`, holds: value >= limit } }
}

export function renderMeasurement({ what, value, unit, limit }: Measurement): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const text = `  ${what.padEnd(62)} ${value.toFixed(digits).padStart(8)} ${unit.padEnd(9)}`
  return limit === undefined
    ? text.trimEnd()
    : `${text} ${limit.text.padEnd(7)} ${limit.holds ? 'ok' : 'OVER'}`
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
