/** Runs in a process of its own: one foreign file → our inference model and its description. */
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { writeFileAtomic } from '../core/atomic-write.ts'
import { serializeError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { encodeInferenceGraph } from '../features/inference-graph.ts'
import {
  IMPORTED_MODEL,
  IMPORTED_RESULT,
  type Imported,
  type ImportReply,
  type ImportTask,
} from './import-task.ts'
import { readForeign } from './read-foreign.ts'
import type { WatchdogData } from './watchdog.ts'

async function run(task: ImportTask): Promise<void> {
  await startWatchdog(task)
  const { network, weights, labels, readAs, notes } = await readForeign(task)
  const model = encodeInferenceGraph(network, weights)
  const imported: Imported = {
    network,
    ...(labels === undefined ? {} : { labels }),
    readAs,
    notes,
    model: { sha256: sha256(model), sizeBytes: model.length },
  }
  await writeFileAtomic(join(task.folder, IMPORTED_MODEL), model)
  await writeFileAtomic(join(task.folder, IMPORTED_RESULT), JSON.stringify(imported))
}

async function startWatchdog({ memoryBytes, cpuMs }: ImportTask): Promise<void> {
  const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), {
    workerData: { memoryBytes, cpuMs, parent: process.ppid } satisfies WatchdogData,
    stderr: false,
  })
  watchdog.unref()
  await once(watchdog, 'message')
}

function reply(message: ImportReply): void {
  process.send?.(message, () => process.exit())
}

process.once('message', (task: ImportTask) => {
  run(task).then(
    () => reply({ isDone: true }),
    (error: unknown) => reply({ error: serializeError(error) }),
  )
})
process.send?.('ready')
