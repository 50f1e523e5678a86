import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { VergerError } from '../../dist/core/errors.js'
import { WorkerPool, type WorkerPoolOptions } from '../../dist/tensor/worker-pool.js'

interface Task {
  readonly do: 'echo' | 'sleep' | 'fail' | 'throw' | 'throw later' | 'exit' | 'spin' | 'length'
  readonly name?: string
  readonly ms?: number
  readonly error?: unknown
  readonly bytes?: Uint8Array
}

interface Echo {
  readonly name: string
  readonly workerData: unknown
  readonly threadId: number
  readonly isAlone: boolean
  /** Names of every task that the answering thread has seen. */
  readonly seen: readonly string[]
}

const pools: WorkerPool<Task, unknown>[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

function openPool(options: Partial<WorkerPoolOptions> = {}, entry = 'obedient.mjs') {
  const pool = new WorkerPool<Task, unknown>({
    entry: new URL(`./workers/${entry}`, import.meta.url),
    threads: 1,
    workerData: undefined,
    timeoutMs: 10_000,
    maxWaiting: 100,
    ...options,
  })
  pools.push(pool)
  return pool
}

const echo = async (pool: WorkerPool<Task, unknown>, name: string) =>
  (await pool.run({ do: 'echo', name })) as Echo

/** Worker threads keep a message port open each. */
const openPorts = () =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length

async function codeOf(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => 'no error',
    (error: unknown) => (error instanceof VergerError ? error.code : String(error)),
  )
}

describe('a task', () => {
  it('gives its result and sees the data of the pool', async () => {
    const pool = openPool({ workerData: { model: 'pear.onnx' } })
    expect(await echo(pool, 'first')).toMatchObject({
      name: 'first',
      workerData: { model: 'pear.onnx' },
    })
  })

  it('keeps its own result among many', async () => {
    const pool = openPool({ threads: 2 })
    const names = Array.from({ length: 60 }, (_, index) => `task ${index}`)
    const answers = await Promise.all(names.map((name) => echo(pool, name)))
    expect(answers.map(({ name }) => name)).toEqual(names)
    expect(new Set(answers.map(({ threadId }) => threadId)).size).toBe(2)
  })

  it('knows whether it is alone: not beside another, not where one waits, not for the program itself', async () => {
    const pool = openPool({ threads: 2 })
    for (const name of ['alone', 'after it', 'and after that']) {
      expect((await echo(pool, name)).isAlone).toBe(true)
    }
    const pair = await Promise.all([echo(pool, 'first'), echo(pool, 'second')])
    expect(pair.map(({ isAlone }) => isAlone)).toEqual([true, false])
    const urgent = (await pool.run({ do: 'echo', name: 'urgent' }, { isUrgent: true })) as Echo
    expect(urgent.isAlone).toBe(false)
    const single = openPool()
    const three = await Promise.all(['a', 'b', 'c'].map((name) => echo(single, name)))
    expect(three.map(({ isAlone }) => isAlone)).toEqual([true, false, true])
  })

  it('keeps code, message, hint and details of its error', async () => {
    const error = {
      code: 'photo_corrupt',
      message: 'Expected a photo',
      hint: 'Save it anew.',
      details: { sizeBytes: 3 },
    }
    const failing = openPool().run({ do: 'fail', error })
    await expect(failing).rejects.toBeInstanceOf(VergerError)
    await expect(failing).rejects.toMatchObject(error)
  })

  it('is counted while it waits and while it runs', async () => {
    const pool = openPool()
    const running = [1, 2, 3].map(() => pool.run({ do: 'sleep', ms: 20 }))
    expect([pool.running, pool.waiting]).toEqual([1, 2])
    await Promise.all(running)
    await sleep(0)
    expect([pool.running, pool.waiting]).toEqual([0, 0])
    expect(pool.waitMs).toBeGreaterThan(0)
  })
})

describe('a worker that fails', () => {
  it.each([
    ['throws in the handler', 'throw', 'worker_crashed', /thrown by the handler/],
    ['throws behind the handler', 'throw later', 'worker_crashed', /thrown behind the handler/],
    ['ends its process', 'exit', 'worker_crashed', /code: 3/],
    ['never answers', 'spin', 'worker_stuck', /within 1000 ms/],
  ] as const)('loses its own task alone: it %s', async (_words, fault, code, message) => {
    const pool = openPool({ timeoutMs: fault === 'spin' ? 1000 : 10_000 })
    await echo(pool, 'warm')
    const failing = pool.run({ do: fault })
    const next = echo(pool, 'next')
    await expect(failing).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect((await next).name).toBe('next')
  })

  it('leaves the tasks of the other threads alone', async () => {
    const pool = openPool({ threads: 2 })
    await Promise.all([echo(pool, 'a'), echo(pool, 'b')])
    const beside = pool.run({ do: 'sleep', name: 'beside', ms: 200 })
    expect(await codeOf(pool.run({ do: 'exit' }))).toBe('worker_crashed')
    expect(await beside).toBe('beside')
  })

  it('can fail again and again', async () => {
    const pool = openPool({ threads: 2 })
    for (let round = 0; round < 5; round++) {
      expect(await codeOf(pool.run({ do: 'exit' }))).toBe('worker_crashed')
    }
    expect((await echo(pool, 'after all')).name).toBe('after all')
  })
})

describe('a worker that cannot start', () => {
  it.each([
    ['throws when it is loaded', 'fails-at-start.mjs'],
    ['has a handler that rejects', 'rejects-at-start.mjs'],
  ])('rejects every task at once and is not started for ever: it %s', async (_words, entry) => {
    const attempts = new Int32Array(new SharedArrayBuffer(4))
    const pool = openPool(
      { threads: 2, workerData: { attempts: attempts.buffer }, timeoutMs: 30_000 },
      entry,
    )
    const startMs = performance.now()
    const together = await Promise.all([1, 2, 3, 4, 5].map(() => codeOf(pool.run({ do: 'echo' }))))
    const afterwards = await codeOf(pool.run({ do: 'echo' }))
    expect([...together, afterwards]).toEqual(new Array(6).fill('worker_crashed'))
    expect(performance.now() - startMs).toBeLessThan(10_000)
    const made = Atomics.load(attempts, 0)
    expect(made).toBeLessThanOrEqual(10)
    await sleep(200)
    expect(Atomics.load(attempts, 0)).toBeLessThanOrEqual(made + 1)
  })
})

describe('an abort', () => {
  it('takes a waiting task out of the queue', async () => {
    const pool = openPool()
    const first = pool.run({ do: 'sleep', ms: 50, name: 'first' })
    const caller = new AbortController()
    const second = pool.run({ do: 'echo', name: 'second' }, { signal: caller.signal })
    caller.abort(new Error('the caller left'))
    await expect(second).rejects.toThrow('the caller left')
    await first
    expect((await echo(pool, 'third')).seen).toEqual(['first', 'third'])
  })

  it('refuses a task whose caller has left already', async () => {
    const pool = openPool()
    await expect(
      pool.run({ do: 'echo', name: 'late' }, { signal: AbortSignal.abort() }),
    ).rejects.toThrow()
    expect((await echo(pool, 'next')).seen).toEqual(['next'])
  })

  it('lets a running task end and keeps its thread', async () => {
    const pool = openPool()
    const { threadId } = await echo(pool, 'warm')
    const caller = new AbortController()
    const running = pool.run({ do: 'sleep', ms: 100, name: 'running' }, { signal: caller.signal })
    await sleep(20)
    caller.abort(new Error('the caller left'))
    await expect(running).rejects.toThrow('the caller left')
    expect(await echo(pool, 'next')).toMatchObject({ threadId, seen: ['warm', 'running', 'next'] })
  })
})

describe('a queue that is full', () => {
  it('refuses one more and takes it later', async () => {
    const pool = openPool({ maxWaiting: 2 })
    const running = [1, 2, 3].map(() => pool.run({ do: 'sleep', ms: 20 }))
    const refused = pool.run({ do: 'echo', name: 'one more' })
    await expect(refused).rejects.toMatchObject({ code: 'overloaded', details: { maxWaiting: 2 } })
    await Promise.all(running)
    expect((await echo(pool, 'later')).seen).not.toContain('one more')
  })
})

describe('groups of tasks', () => {
  it('take turns', async () => {
    const pool = openPool()
    const first = pool.run({ do: 'sleep', ms: 50, name: 'first' }, { group: 'a' })
    const many = ['a1', 'a2', 'a3'].map((name) => pool.run({ do: 'echo', name }, { group: 'a' }))
    const few = pool.run({ do: 'echo', name: 'b1' }, { group: 'b' })
    const urgent = pool.run({ do: 'echo', name: 'urgent' }, { isUrgent: true })
    await Promise.all([first, ...many, few, urgent])
    const { seen } = await echo(pool, 'last')
    expect(seen).toEqual(['first', 'urgent', 'a1', 'b1', 'a2', 'a3', 'last'])
  })

  it('have their share of a full queue, whoever came first', async () => {
    const pool = openPool({ maxWaiting: 4 })
    const first = pool.run({ do: 'sleep', ms: 50, name: 'first' }, { group: 'a' })
    const many = ['a1', 'a2', 'a3', 'a4'].map((name) =>
      codeOf(pool.run({ do: 'echo', name }, { group: 'a' })),
    )
    const few = ['b1', 'b2', 'b3'].map((name) =>
      codeOf(pool.run({ do: 'echo', name }, { group: 'b' })),
    )
    expect(await few[2]).toBe('share_exceeded')
    expect(await codeOf(pool.run({ do: 'echo' }, { group: 'a' }))).toBe('share_exceeded')
    await first
    expect(await Promise.all(many)).toEqual([
      ...['no error', 'no error', 'share_exceeded', 'share_exceeded'],
    ])
    expect(await Promise.all(few)).toEqual(['no error', 'no error', 'share_exceeded'])
  })

  it('are told before they begin where all of them have no room', async () => {
    const pool = openPool({ maxWaiting: 4 })
    expect(() => pool.admit('a', 4)).not.toThrow()
    expect(() => pool.admit('a', 5)).toThrow(
      expect.objectContaining({
        code: 'overloaded',
        hint: expect.stringContaining('VERGER_MAX_QUEUED_PHOTOS'),
      }),
    )
  })
})

describe('close', () => {
  it('lets running tasks finish, refuses waiting and new ones, and leaves no thread', async () => {
    const before = openPorts()
    const pool = openPool({ threads: 2 })
    const running = [1, 2].map(() => pool.run({ do: 'sleep', ms: 100, name: 'running' }))
    const waiting = [1, 2].map(() => codeOf(pool.run({ do: 'echo' })))
    const closing = [pool.close(), pool.close()]
    expect(await codeOf(pool.run({ do: 'echo' }))).toBe('server_closing')
    expect(await Promise.all(waiting)).toEqual(['server_closing', 'server_closing'])
    await Promise.all(closing)
    expect(await Promise.all(running)).toEqual(['running', 'running'])
    expect(openPorts()).toBe(before)
  })

  it('ends a pool that did nothing', async () => {
    const before = openPorts()
    await openPool().close()
    expect(openPorts()).toBe(before)
  })

  it('ends a pool whose worker is stuck, once its deadline has passed', async () => {
    const pool = openPool({ timeoutMs: 1000 })
    await echo(pool, 'warm')
    const stuck = codeOf(pool.run({ do: 'spin' }))
    await pool.close()
    expect(await stuck).toBe('worker_stuck')
  })
})
