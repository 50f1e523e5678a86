const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** `90d`, `12h`, `30m` or `2w` in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})([mhdw])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) return undefined
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
}
