/**
 * Reads a foreign file in a process of its own: what is wrong with the file may hang, exhaust or crash that process, and
 * costs this one an error.
 *
 *   memory   the JavaScript heap by V8's own limit, all of it by a watchdog thread inside the process
 *   time     that of computing by the watchdog, that of waiting by this process, which kills it
 *   orphans  the watchdog ends the process where its parent is gone
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deserializeError, VergerError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hashes.ts'
import { findNetworkFault } from '../tensor/network-faults.ts'
import {
  IMPORTED_MODEL,
  IMPORTED_RESULT,
  type Imported,
  type ImportReply,
  type ImportTask,
} from './import-task.ts'
import { measureSource } from './source-hash.ts'

export type ImportRequest = Omit<ImportTask, keyof ImportLimits>

export interface ImportLimits {
  readonly memoryBytes: number
  /** Of computing: a busy machine does not make a good file a bad one. */
  readonly cpuMs: number
}

const MIB = 1024 * 1024
const HEAP_MIB = 512
const START_MS = 20_000
/** The largest of the known networks has 96 MB and takes 600 MB and two seconds to be read. */
const LEAST_MEMORY_BYTES = 900 * MIB
const LARGE_BYTES = 110 * MIB
const MEMORY_FACTOR = 8
const LEAST_CPU_MS = 4500
const CPU_MS_PER_MIB = 100
/** Real time for each unit of computing, before a process that waits for something is ended. */
const REAL_TIME_FACTOR = 8

/** What reading a file of this size may cost: under a gigabyte and five seconds for most, more for what is larger. */
export const limitsFor = (sizeBytes: number): ImportLimits => ({
  memoryBytes: LEAST_MEMORY_BYTES + Math.max(0, sizeBytes - LARGE_BYTES) * MEMORY_FACTOR,
  cpuMs: LEAST_CPU_MS + (sizeBytes / MIB) * CPU_MS_PER_MIB,
})

/**
 * Leaves the model in `request.folder` and describes it. Throws `model_invalid` where the file is at fault, also where it
 * hangs, exhausts or crashes its reader; `model_unsupported`, `usage_invalid`; or the reason of `signal`.
 */
export async function importInProcess(
  request: ImportRequest,
  { signal, limits }: { readonly signal?: AbortSignal; readonly limits?: ImportLimits } = {},
): Promise<Imported> {
  const cost = limits ?? limitsFor((await measureSource(request.path)).sizeBytes)
  signal?.throwIfAborted()
  const child = fork(new URL('./import-child.js', import.meta.url), {
    execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    // Nothing of the surroundings, and no secret, is of use to it.
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const kill = () => void child.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  try {
    const reply = await talk(child, { ...request, ...cost })
    signal?.throwIfAborted()
    if (typeof reply === 'string') throw failed(request.path, reply)
    if ('error' in reply) throw deserializeError(reply.error)
    return await readImported(request)
  } finally {
    kill()
    signal?.removeEventListener('abort', kill)
  }
}

/** What the process replied, or in words why it did not. */
function talk(child: ChildProcess, task: ImportTask): Promise<ImportReply | string> {
  const words: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => words.push(chunk.toString()))
  let reply: ImportReply | undefined
  let late: string | undefined
  const endLate = (reason: string) => () => {
    late = reason
    child.kill('SIGKILL')
  }
  let timer = setTimeout(endLate('did not begin in time'), START_MS)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.on('message', (message: 'ready' | ImportReply) => {
      if (message !== 'ready') {
        reply = message
        return
      }
      clearTimeout(timer)
      timer = setTimeout(endLate(TOO_SLOW), task.cpuMs * REAL_TIME_FACTOR)
      // A process that has just ended says why by its exit.
      child.send(task, () => {})
    })
    child.once('close', (code, name) => {
      clearTimeout(timer)
      resolve(reply ?? late ?? reasonOf(words.join(''), code ?? name))
    })
  })
}

const TOO_SLOW = 'took more time than a file of its size does'

/** Why a process ended without a reply, by what it wrote to standard error. */
function reasonOf(words: string, exit: number | string | null): string {
  if (/more memory|heap out of memory|allocation failed/i.test(words)) {
    return 'needed more memory than a file of its size does'
  }
  return /more time/.test(words) ? TOO_SLOW : `ended its process (${exit})`
}

function failed(path: string, reason: string): VergerError {
  return new VergerError(
    'model_invalid',
    `Expected a model that can be read at ${path}, reading it ${reason}`,
    { hint: 'Download or export the file again and compare its checksum.' },
  )
}

/** What the process left, checked as if it came from anywhere: it has parsed a file that may be hostile. */
async function readImported({ path, folder }: ImportRequest): Promise<Imported> {
  const model = join(folder, IMPORTED_MODEL)
  const imported = JSON.parse(await readFile(join(folder, IMPORTED_RESULT), 'utf8')) as Imported
  const { size: sizeBytes } = await stat(model)
  const isWhole =
    imported.model.sizeBytes === sizeBytes && imported.model.sha256 === (await sha256OfFile(model))
  const fault = isWhole ? findNetworkFault(imported.network) : 'a model with another hash'
  if (fault === undefined) return imported
  throw failed(path, `gave ${fault}`)
}
