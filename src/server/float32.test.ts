import { expect, test } from 'vitest'
import { createRandom } from '../learn/random.ts'
import { shortestFloat32 } from './float32.ts'

test.each([
  [0.1, 0.1],
  [0.93, 0.93],
  [1 / 3, 0.33333334],
  [1, 1],
  [0, 0],
  [1e-30, 1e-30],
  [0.123456789, 0.12345679],
])('%d is printed as %d', (value, printed) => {
  expect(shortestFloat32(value)).toBe(printed)
})

test('reads as the same float', () => {
  const random = createRandom(7)
  for (let count = 0; count < 10_000; count++) {
    const value = random.next() ** 8
    expect(Math.fround(shortestFloat32(value))).toBe(Math.fround(value))
  }
})
