/** A worker that does what its task says: `{ do, … }`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { workerData } from 'piscina'

const seen = []

export default async ({ task, isAlone }) => {
  seen.push(task.name)
  switch (task.do) {
    case 'echo':
      return { result: { name: task.name, workerData, threadId, isAlone, seen: [...seen] } }
    case 'sleep':
      await sleep(task.ms)
      return { result: task.name }
    case 'fail':
      return { error: task.error }
    case 'throw':
      throw new Error('thrown by the handler')
    case 'throw later':
      setTimeout(() => {
        throw new Error('thrown behind the handler')
      }, 1)
      return sleep(60_000)
    case 'exit':
      process.exit(3)
      break
    case 'spin':
      for (;;);
    default:
      throw new Error(`no such task: ${task.do}`)
  }
}
