/** Gives a task to a thread that computes on features, and gives what comes back. */
import { compute } from '../tensor/compute-thread.ts'
import type {
  ComputeReport,
  ComputeTask,
  CrossPredictResult,
  FitResult,
  GroupResult,
  StartTuningResult,
} from './fit-task.ts'

interface Results {
  readonly group: GroupResult
  readonly fit: FitResult
  readonly 'cross-predict': CrossPredictResult
  readonly 'start-tuning': StartTuningResult
  readonly 'judge-tuned': FitResult
}

export interface RunOptions {
  /** Throws to stop. */
  onReport(report: ComputeReport): void
  readonly signal: AbortSignal | undefined
}

/** Rejects with the reason of `signal` when it is aborted. */
export function runFitTask<Task extends ComputeTask>(
  task: Task,
  { onReport, signal }: RunOptions,
): Promise<Results[Task['kind']]> {
  return compute(new URL('./fit-worker.js', import.meta.url), task, {
    onReport,
    ...(signal === undefined ? {} : { signal }),
  })
}
