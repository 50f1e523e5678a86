import { expect, test } from 'vitest'
import { parseDurationMs } from './durations.ts'

test.each([
  ['90s', 90_000],
  ['1m', 60_000],
  ['12h', 43_200_000],
  ['90d', 7_776_000_000],
  ['2w', 1_209_600_000],
])('%s', (text, expected) => expect(parseDurationMs(text)).toBe(expected))

test.each(['', '90', 'd', '0d', '-1d', '1.5h', '1y', '1d ', '9999999d', '1D'])(
  '%o is none',
  (text) => expect(parseDurationMs(text)).toBeUndefined(),
)
