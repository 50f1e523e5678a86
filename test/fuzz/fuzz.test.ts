import { describe, expect, it } from 'vitest'
import { fuzz } from './fuzz.ts'

/** A share of what `npm run test:fuzz` reads; the seeds are the same each time. */
const COUNT = 800

describe('models that were damaged', () => {
  it('are read or refused, quickly and in little memory', { timeout: 240_000 }, async () => {
    expect(await fuzz(COUNT, 1)).toEqual([])
  })
})
