/** Entry of the thread that computes on features. */
import { serveComputation } from '../tensor/compute-thread.ts'
import { openGemm } from '../tensor/gemm.ts'
import { crossPredictRows, fitClassifier, groupRows } from './fit-classifier.ts'
import type { ComputeReport, ComputeTask } from './fit-task.ts'
import { judgeTuned, startTuning } from './judge-tuned.ts'

await serveComputation(async (task: ComputeTask, report: (report: ComputeReport) => void) => {
  const gemm = await openGemm(task.threads)
  try {
    switch (task.kind) {
      case 'group':
        return await groupRows(gemm, task, () => report({}))
      case 'fit':
        return await fitClassifier(gemm, task, report)
      case 'cross-predict':
        return await crossPredictRows(gemm, task, report)
      case 'start-tuning':
        return await startTuning(gemm, task, report)
      case 'judge-tuned':
        return await judgeTuned(gemm, task)
    }
  } finally {
    await gemm.close()
  }
})
