import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type ComputeOptions, compute } from '../../dist/tensor/compute-thread.js'
import { countLeakedWorkers, countLiveWorkers } from '../support/live-workers.ts'

const entry = (name: string) => new URL(`./workers/${name}`, import.meta.url)

const run = (task: object, options: ComputeOptions<number> = {}) =>
  compute<object, unknown, number>(entry('computes.mjs'), task, options)

afterEach(async () => expect(await countLeakedWorkers()).toBe(0))

describe('a computation', () => {
  it('gives its result', async () => {
    const running = run({ do: 'add', numbers: [1, 2, 39] })
    await sleep(0)
    expect(countLiveWorkers()).toBe(1)
    expect(await running).toBe(42)
  })

  it('reports in order, before it gives its result', async () => {
    const reports: number[] = []
    const result = await run(
      { do: 'count', steps: 20 },
      { onReport: (report) => reports.push(report) },
    )
    expect(reports).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(result).toMatchObject({ counted: 20 })
  })

  it('shares memory with the thread that asked', async () => {
    const numbers = new Float32Array(new SharedArrayBuffer(16))
    expect(await run({ do: 'fill', numbers })).toBe(4)
    expect([...numbers]).toEqual([7, 7, 7, 7])
  })

  it('runs beside others, on a thread of its own', async () => {
    const results = await Promise.all([1, 2, 3].map(() => run({ do: 'count', steps: 3 })))
    const threads = results.map((result) => (result as { threadId: number }).threadId)
    expect(new Set(threads).size).toBe(3)
    expect(threads).not.toContain(0)
  })

  it('leaves the main thread free', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    await run({ do: 'multiply', steps: 200 })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(5)
  })
})

describe('a computation that fails', () => {
  it('keeps code, message, hint and details of its error', async () => {
    await expect(run({ do: 'refuse' })).rejects.toMatchObject({
      code: 'dataset_untrainable',
      message: 'Expected photos',
      hint: 'Add some.',
      details: { photos: 0 },
    })
  })

  it('says of a bug what it was', async () => {
    await expect(run({ do: 'fail' })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('a bug'),
    })
  })

  it.each([
    ['ends its thread', { do: 'exit' }, /exit code 3/],
    ['throws behind the work', { do: 'throw later' }, /thrown behind the work/],
  ])('is told as a crash where it %s', async (_words, task, message) => {
    await expect(run(task)).rejects.toMatchObject({
      code: 'worker_crashed',
      message: expect.stringMatching(message),
    })
  })

  it('is refused where its result cannot cross', async () => {
    await expect(run({ do: 'give a function' })).rejects.toThrow(/could not be cloned/)
  })

  it.each(['missing.mjs', 'fails-at-start.mjs'])('has no thread to run on: %s', async (name) => {
    await expect(compute(entry(name), {})).rejects.toMatchObject({ code: 'worker_crashed' })
  })

  it('stops, and rejects with the error, where the listener throws', async () => {
    const thrown = new Error('thrown by the listener')
    let heard = 0
    const onReport = () => {
      heard++
      if (heard === 2) throw thrown
    }
    await expect(run({ do: 'count', steps: 5000 }, { onReport })).rejects.toBe(thrown)
    expect(heard).toBeLessThan(1000)
  })
})

describe('a computation that is stopped', () => {
  it.each([
    { do: 'count', steps: 60_000 },
    { do: 'multiply', steps: 100_000 },
  ])('rejects with the reason at its next report: $do', async (task) => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const onReport = (step: number) => {
      if (step === 3) controller.abort(reason)
    }
    const started = performance.now()
    await expect(run(task, { onReport, signal: controller.signal })).rejects.toBe(reason)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('does not start where it was stopped before', async () => {
    const reason = new Error('never begun')
    const signal = AbortSignal.abort(reason)
    await expect(run({ do: 'add', numbers: [] }, { signal })).rejects.toBe(reason)
  })

  it('gives a result that was ready all the same', async () => {
    const controller = new AbortController()
    const running = run({ do: 'wait', ms: 100 }, { signal: controller.signal })
    controller.abort()
    expect(await running).toBe('waited')
  })

  it('leaves no listener behind', async () => {
    const controller = new AbortController()
    for (let i = 0; i < 12; i++) {
      await run({ do: 'add', numbers: [i] }, { signal: controller.signal })
    }
    // Without a warning of too many listeners, and without an effect.
    controller.abort()
  })
})
