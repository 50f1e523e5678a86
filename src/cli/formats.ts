/** Shares and times as people read them. */

/** `0.931` → `93.1 %`. */
export const formatPercent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** ISO 8601 → `2026-11-22 09:01Z`: to the minute, in UTC. */
export const formatTime = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)}Z`
