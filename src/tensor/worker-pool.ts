/**
 * Worker threads that share one queue.
 *
 *   waiting ──a worker is free──▶ running ──▶ settled
 *      │                             ├─ the thread ends ────▶ `worker_crashed`, the thread is replaced
 *      ├─ aborted by its caller      └─ longer than timeoutMs ▶ `worker_stuck`, the thread is replaced
 *      └─ gives way to another group ▶ `share_exceeded`
 *
 * Piscina owns the threads; the queue in front of it is ours because it is bounded and fair, counts time from the moment
 * a worker takes a task, and never kills a worker for a caller that has left.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { refuseTelemetry } from '../core/config.ts'
import { deserializeError, type ErrorMessage, VergerError } from '../core/errors.ts'
import { FairQueue } from './fair-queue.ts'

export interface WorkerPoolOptions {
  /** Module whose default export handles a task, or is a promise of such a function. */
  readonly entry: URL
  readonly threads: number
  /** What every worker finds as `workerData` of piscina. */
  readonly workerData: unknown
  /** Longest time in milliseconds that one task may run. */
  readonly timeoutMs: number
  /** Tasks that may wait; one more is refused with `overloaded`, or with `share_exceeded` where others wait too. */
  readonly maxWaiting: number
}

export interface RunOptions {
  /** Takes the task out of the queue. */
  readonly signal?: AbortSignal | undefined
  /** Whose turn it takes: groups that wait take turns, and each has its share of the queue. */
  readonly group?: string | undefined
  /** Runs before all that waits, and is not counted among it: what the program itself must know before it can answer. */
  readonly isUrgent?: boolean | undefined
  /** Called when a worker takes the task. */
  readonly onStart?: (() => void) | undefined
}

/** What a handler receives. */
export interface HeldTask<Task> {
  readonly task: Task
  /** No other task of the pool ran or waited when a caller's task was taken: it may use more than its share of the cores. */
  readonly isAlone: boolean
}

/** What a handler answers: its result, or an error that survives the way between threads. */
export type WorkerReply<Result> = { readonly result: Result } | { readonly error: ErrorMessage }

interface Waiting<Task, Result> {
  readonly task: Task
  readonly group: string
  readonly onStart: (() => void) | undefined
  resolve(result: Result): void
  reject(error: unknown): void
}

/** Weight of the newest task in the moving mean of running times. */
const MEAN_WEIGHT = 0.05

/** Longest time that a pool that closes waits for threads that still load their module. */
const START_WAIT_MS = 10_000

/** How often a pool that closes looks whether its threads have started. */
const START_POLL_MS = 5

export class WorkerPool<Task, Result> {
  readonly threads: number
  readonly #piscina: Piscina
  readonly #timeoutMs: number
  readonly #waiting: FairQueue<Waiting<Task, Result>>
  readonly #urgent = new Set<Waiting<Task, Result>>()
  /** One for each running task. */
  readonly #aborts = new Set<AbortController>()
  /** Ids of threads that have loaded their module. */
  readonly #started = new Set<number>()
  #running = 0
  #meanRunMs = 0
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(options: WorkerPoolOptions) {
    this.threads = options.threads
    this.#timeoutMs = options.timeoutMs
    this.#waiting = new FairQueue(options.maxWaiting)
    refuseTelemetry()
    this.#piscina = new Piscina({
      filename: options.entry.href,
      minThreads: 1,
      maxThreads: options.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: options.workerData,
    })
    this.#piscina.on('error', (error) => this.#failStranded(error))
    // Piscina announces the first thread before it has started, and every later one when it is ready.
    const [first] = this.#piscina.threads
    first?.once('message', () => this.#started.add(first.threadId))
    this.#piscina.on('workerCreate', ({ id }) => {
      if (id !== first?.threadId) this.#started.add(id)
    })
  }

  /** Tasks of each group that wait for a worker. */
  get waitingByGroup(): ReadonlyMap<string, number> {
    return this.#waiting.sizes()
  }

  /** Tasks that wait for a worker. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Tasks that a worker holds. */
  get running(): number {
    return this.#running
  }

  /** Milliseconds until a task that came now would have run, judged by the tasks that ran last. */
  get waitMs(): number {
    return ((this.#waiting.size + 1) * this.#meanRunMs) / this.threads
  }

  /** Throws `overloaded` or `share_exceeded` where so many further tasks of a group have no room in the queue. */
  admit(group: string, count: number): void {
    const reason = this.#waiting.judge(group, count)
    if (reason === undefined) return
    const { capacity, size } = this.#waiting
    if (reason === 'share') throw shareExceeded(group, this.#waiting, count)
    throw new VergerError(
      'overloaded',
      `Expected at most ${capacity} photos waiting, and ${size} are${count > 1 ? ` where ${count} more came` : ''}`,
      {
        hint:
          count > capacity
            ? 'Send fewer photos in one request, or raise VERGER_MAX_QUEUED_PHOTOS.'
            : 'Send again after the time in the header Retry-After, or raise VERGER_MAX_QUEUED_PHOTOS.',
        details: { maxWaiting: capacity },
      },
    )
  }

  /**
   * Runs one task. Rejects with the handler's own error, or with `overloaded`, `share_exceeded`, `server_closing`,
   * `worker_crashed` or `worker_stuck`. An abort takes the task out of the queue; once it runs, it runs to its end and
   * the result is dropped.
   */
  async run(
    task: Task,
    { signal, group = '', isUrgent = false, onStart }: RunOptions = {},
  ): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new VergerError('server_closing', 'Expected a running pool, but it is shutting down')
    }
    if (signal?.aborted === true) throw signal.reason
    if (!isUrgent) this.admit(group, 1)
    return new Promise<Result>((resolve, reject) => {
      const onAbort = () => {
        this.#urgent.delete(waiting)
        this.#waiting.remove(group, waiting)
        reject(signal?.reason)
      }
      const settled = () => signal?.removeEventListener('abort', onAbort)
      const waiting: Waiting<Task, Result> = {
        task,
        group,
        onStart,
        resolve(result) {
          settled()
          resolve(result)
        },
        reject(error) {
          settled()
          reject(error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      if (isUrgent) this.#urgent.add(waiting)
      else {
        const displaced = this.#waiting.add(group, waiting)
        displaced?.reject(shareExceeded(displaced.group, this.#waiting))
      }
      this.#next()
    })
  }

  /** Lets running tasks finish, refuses those that wait, and ends the threads. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  async #drain(): Promise<void> {
    for (const waiting of [...this.#urgent, ...this.#waiting.clear()]) {
      waiting.reject(new VergerError('server_closing', 'The pool was closed before this photo ran'))
    }
    this.#urgent.clear()
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    await this.#untilStarted()
    await this.#piscina.destroy()
  }

  /** A thread that is ended while native code loads a network takes the whole process with it. */
  async #untilStarted(): Promise<void> {
    const deadlineMs = performance.now() + START_WAIT_MS
    const isStarting = () =>
      this.#piscina.threads.some(({ threadId }) => !this.#started.has(threadId))
    while (isStarting() && performance.now() < deadlineMs) await sleep(START_POLL_MS)
  }

  #next(): void {
    while (this.#running < this.threads) {
      const [urgent] = this.#urgent
      const waiting = urgent ?? this.#waiting.take()
      if (waiting === undefined) return
      this.#urgent.delete(waiting)
      const isAlone = this.#running === 0 && this.#waiting.size === 0 && urgent === undefined
      this.#running++
      void this.#hold(waiting, isAlone).then((settle) => {
        this.#running--
        settle()
        if (this.#running === 0) this.#onIdle?.()
        this.#next()
      })
    }
  }

  /** Gives what tells the caller, for when the worker counts as free: the caller's next task may be alone. */
  async #hold(
    { task, onStart, resolve, reject }: Waiting<Task, Result>,
    isAlone: boolean,
  ): Promise<() => void> {
    onStart?.()
    const abort = new AbortController()
    this.#aborts.add(abort)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      abort.abort()
    }, this.#timeoutMs)
    const startMs = performance.now()
    try {
      const held: HeldTask<Task> = { task, isAlone }
      const reply: WorkerReply<Result> = await this.#piscina.run(held, { signal: abort.signal })
      if ('error' in reply) {
        const error = deserializeError(reply.error)
        return () => reject(error)
      }
      this.#meanRunMs += (performance.now() - startMs - this.#meanRunMs) * MEAN_WEIGHT
      return () => resolve(reply.result)
    } catch (error) {
      if (!isLate) this.#failStranded(error)
      const reason = isLate
        ? this.#stuck(error)
        : crashed(abort.signal.aborted ? abort.signal.reason : error)
      return () => reject(reason)
    } finally {
      clearTimeout(timer)
      this.#aborts.delete(abort)
    }
  }

  /** Piscina leaves a task without a thread when threads fail to start: it would wait until its deadline. */
  #failStranded(cause: unknown): void {
    if (this.#piscina.threads.length > 0) return
    for (const abort of this.#aborts) abort.abort(cause)
  }

  #stuck(cause: unknown): VergerError {
    return new VergerError(
      'worker_stuck',
      `Expected an answer from a worker within ${this.#timeoutMs} ms, received none; the worker was replaced`,
      { hint: 'Send the photo alone; if it happens again, the photo is at fault.', cause },
    )
  }
}

function crashed(cause: unknown): VergerError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new VergerError('worker_crashed', `A worker failed with the photo in hand (${reason})`, {
    hint: 'Send the photo again. verger doctor tells what may be wrong with the installation.',
    cause,
  })
}

function shareExceeded(group: string, queue: FairQueue<unknown>, count = 0): VergerError {
  const { capacity } = queue
  const share = queue.shareOf(group)
  const own = queue.sizeOf(group) + count
  return new VergerError(
    'share_exceeded',
    `Expected at most ${share} photos waiting for ${group === '' ? 'the backbone' : group} while photos for others wait too, and ${Math.max(own, share + 1)} would be`,
    {
      hint: 'Send again after the time in the header Retry-After, or raise VERGER_MAX_QUEUED_PHOTOS.',
      details: { maxWaiting: capacity, share },
    },
  )
}
