/**
 * Long computations on a thread of their own, so that the main thread stays free for signals and progress.
 *
 *   started ──▶ working ──progress…──▶ done │ failed
 *                  └─ stopped: at its next progress report the work throws `stopped`
 *
 * A thread that computes in ONNX Runtime must never be terminated (it would take the process with it), so it is asked to
 * stop and stops by itself.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { refuseTelemetry } from '../core/config.ts'
import { deserializeError, type ErrorMessage, serializeError, VergerError } from '../core/errors.ts'

interface ThreadData<Task> {
  readonly task: Task
  /** One flag: 1 asks the work to stop. */
  readonly stop: Int32Array
}

type Message<Result, Report> =
  | { readonly report: Report }
  | { readonly result: Result }
  | { readonly error: ErrorMessage }

export interface ComputeOptions<Report> {
  /** Throws to stop. */
  onReport?(report: Report): void
  readonly signal?: AbortSignal
}

/** Runs `entry`, a module that calls `serveComputation`, with one task and gives its result. */
export async function compute<Task, Result, Report>(
  entry: URL,
  task: Task,
  { onReport, signal }: ComputeOptions<Report> = {},
): Promise<Result> {
  signal?.throwIfAborted()
  const stop = new Int32Array(new SharedArrayBuffer(4))
  refuseTelemetry()
  const worker = new Worker(entry, { workerData: { task, stop } satisfies ThreadData<Task> })
  const onAbort = () => Atomics.store(stop, 0, 1)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await new Promise<Result>((resolve, reject) => {
      let outcome: (() => void) | undefined
      worker.on('message', (message: Message<Result, Report>) => {
        if ('report' in message) {
          try {
            onReport?.(message.report)
          } catch (error) {
            outcome ??= () => reject(error)
            Atomics.store(stop, 0, 1)
          }
        } else if ('result' in message) outcome ??= () => resolve(message.result)
        else
          outcome ??= () =>
            reject(signal?.aborted ? signal.reason : deserializeError(message.error))
      })
      worker.once('error', (error) => reject(lost(error.message, error)))
      // The thread ends by itself once it has nothing left to do.
      worker.once('exit', (code) => (outcome ? outcome() : reject(lost(`exit code ${code}`))))
    })
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

function lost(reason: string, cause?: unknown): VergerError {
  return new VergerError('worker_crashed', `A computing thread ended unexpectedly (${reason})`, {
    hint: 'Run the command again. verger doctor tells whether there is enough memory.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Answers the task of this thread. `report` sends word to the main thread, and throws when the work should stop. */
export async function serveComputation<Task, Result, Report>(
  work: (task: Task, report: (report: Report) => void) => Promise<Result>,
): Promise<void> {
  if (isMainThread || parentPort === null) throw new Error('a computation runs in a worker thread')
  const port = parentPort
  const { task, stop } = workerData as ThreadData<Task>
  const report = (message: Report) => {
    if (Atomics.load(stop, 0) === 1) throw new Error('stopped')
    port.postMessage({ report: message })
  }
  try {
    port.postMessage({ result: await work(task, report) })
  } catch (error) {
    port.postMessage({ error: serializeError(error) })
  }
}
