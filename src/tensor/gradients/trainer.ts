import { Worker } from 'node:worker_threads'
import { refuseTelemetry } from '../../core/config.ts'
import { deserializeError, type ErrorMessage, VergerError } from '../../core/errors.ts'
import type { TrainerCall, TrainerWorkerData } from './trainer-worker.ts'
import type { StepResult, Trainer, TrainingState, TrainingStep } from './training-step.ts'

type Answer = { readonly result: unknown } | { readonly error: ErrorMessage }

/** Starts a thread that computes steps with `threads` cores, from the initial values of the plan. */
export async function openTrainer(
  step: TrainingStep,
  { threads }: { readonly threads: number },
): Promise<Trainer> {
  const data: TrainerWorkerData = { step, threads }
  refuseTelemetry()
  const worker = new Worker(new URL('./trainer-worker.js', import.meta.url), { workerData: data })
  const answered = () =>
    new Promise<unknown>((resolve, reject) => {
      const settle = (finish: () => void) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        finish()
      }
      const onMessage = (answer: Answer) =>
        settle(() =>
          'error' in answer ? reject(deserializeError(answer.error)) : resolve(answer.result),
        )
      const onError = (error: Error) => settle(() => reject(lost(error.message, error)))
      const onExit = (code: number) => settle(() => reject(lost(`exit code ${code}`)))
      worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    })
  await answered()
  let last: Promise<unknown> = Promise.resolve()
  /** Calls wait for one another. */
  const ask = (call: TrainerCall): Promise<unknown> => {
    const result = last.then(() => {
      const answer = answered()
      worker.postMessage(call)
      return answer
    })
    last = result.catch(() => {})
    return result
  }
  return {
    step: async (request) => (await ask({ call: 'step', request })) as StepResult,
    read: async () => (await ask({ call: 'read' })) as TrainingState,
    write: async (state) => {
      await ask({ call: 'write', state })
    },
    close: async () => {
      const ended = new Promise((resolve) => worker.once('exit', resolve))
      await ask({ call: 'close' })
      await ended
    },
  }
}

function lost(reason: string, cause?: unknown): VergerError {
  return new VergerError('worker_crashed', `A training thread ended unexpectedly (${reason})`, {
    hint: 'Run the command again. verger doctor tells whether there is enough memory.',
    ...(cause === undefined ? {} : { cause }),
  })
}
