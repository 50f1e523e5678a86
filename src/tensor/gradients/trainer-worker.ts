/** Runs in a worker thread: answers the calls of `openTrainer` one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { serializeError } from '../../core/errors.ts'
import { openStepRunner } from './step-runner.ts'
import type { StepRequest, TrainingState, TrainingStep } from './training-step.ts'

export interface TrainerWorkerData {
  readonly step: TrainingStep
  readonly threads: number
}

export type TrainerCall =
  | { readonly call: 'step'; readonly request: StepRequest }
  | { readonly call: 'read' }
  | { readonly call: 'write'; readonly state: TrainingState }
  | { readonly call: 'close' }

async function serve(): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('a trainer runs in a worker thread')
  const { step, threads } = workerData as TrainerWorkerData
  const trainer = await openStepRunner(step, { threads })
  const answer = (call: TrainerCall) => {
    switch (call.call) {
      case 'step':
        return trainer.step(call.request)
      case 'read':
        return trainer.read()
      case 'write':
        return trainer.write(call.state)
      case 'close':
        return trainer.close()
    }
  }
  port.on('message', async (call: TrainerCall) => {
    try {
      port.postMessage({ result: await answer(call) })
    } catch (error) {
      port.postMessage({ error: serializeError(error) })
    }
    if (call.call === 'close') port.close()
  })
  port.postMessage({ result: undefined })
}

await serve()
