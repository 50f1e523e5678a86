import { describe, expect, it } from 'vitest'
import { Progress } from './progress.ts'

/** A clock that stands still until it is told to go on. */
function createClock() {
  let nowMs = 5000
  return {
    now: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('Progress', () => {
  it('knows neither rate nor end before the first item', () => {
    const clock = createClock()
    const progress = new Progress(10, clock.now)
    clock.pass(1000)
    expect(progress.state()).toEqual({
      done: 0,
      total: 10,
      rate: 0,
      elapsedMs: 1000,
      etaMs: undefined,
    })
  })

  it('gives items per second and the time that remains', () => {
    const clock = createClock()
    const progress = new Progress(100, clock.now)
    for (let i = 0; i < 20; i++) {
      clock.pass(200)
      progress.add()
    }
    expect(progress.state()).toEqual({
      done: 20,
      total: 100,
      rate: 5,
      elapsedMs: 4000,
      etaMs: 16_000,
    })
  })

  it('forgets a slow start', () => {
    const clock = createClock()
    const progress = new Progress(1000, clock.now)
    clock.pass(60_000)
    for (let i = 0; i < 200; i++) {
      clock.pass(100)
      progress.add()
    }
    expect(progress.state().rate).toBeCloseTo(10, 0)
  })

  it('slows down while nothing happens', () => {
    const clock = createClock()
    const progress = new Progress(10, clock.now)
    clock.pass(1000)
    progress.add(5)
    clock.pass(9000)
    expect(progress.state()).toMatchObject({ rate: 0.5, etaMs: 10_000 })
  })

  it('has no end without a total, and takes one later', () => {
    const clock = createClock()
    const progress = new Progress(undefined, clock.now)
    clock.pass(1000)
    progress.add(2)
    expect(progress.state().etaMs).toBeUndefined()
    progress.total = 6
    expect(progress.state().etaMs).toBe(2000)
  })

  it('never promises less than no time', () => {
    const clock = createClock()
    const progress = new Progress(1, clock.now)
    clock.pass(1000)
    progress.add(3)
    expect(progress.state().etaMs).toBe(0)
  })

  it('does not slow down over a pause that is none of the work', () => {
    const clock = createClock()
    const progress = new Progress(30, clock.now)
    clock.pass(1000)
    progress.add(10)
    clock.pass(60_000)
    progress.resume()
    clock.pass(1000)
    progress.add(10)
    expect(progress.state()).toMatchObject({ done: 20, rate: 10, etaMs: 1000 })
  })
})
