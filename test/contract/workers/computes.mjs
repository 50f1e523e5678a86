/** Does as its task says, as a computation does: see compute-thread.test.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { VergerError } from '../../../dist/core/errors.js'
import { serveComputation } from '../../../dist/tensor/compute-thread.js'
import { openGemm } from '../../../dist/tensor/gemm.js'

await serveComputation(async (task, report) => {
  switch (task.do) {
    case 'add':
      return task.numbers.reduce((a, b) => a + b, 0)
    case 'count':
      for (let step = 1; step <= task.steps; step++) {
        report(step)
        await sleep(1)
      }
      return { threadId, counted: task.steps }
    case 'fill':
      // Shared memory crosses without a copy.
      task.numbers.fill(7)
      return task.numbers.length
    case 'multiply': {
      const gemm = await openGemm(1)
      const matrix = { data: new Float32Array(300 * 300).fill(1), rows: 300, columns: 300 }
      for (let step = 0; step < task.steps; step++) {
        await gemm.multiply(matrix, matrix)
        report(step)
      }
      await gemm.close()
      return 'multiplied'
    }
    case 'refuse':
      throw new VergerError('dataset_untrainable', 'Expected photos', {
        hint: 'Add some.',
        details: { photos: 0 },
      })
    case 'fail':
      throw new RangeError('a bug')
    case 'give a function':
      return () => {}
    case 'exit':
      process.exit(3)
      break
    case 'throw later':
      setTimeout(() => {
        throw new Error('thrown behind the work')
      })
      return new Promise(() => {})
    case 'wait':
      await sleep(task.ms)
      return 'waited'
  }
})
