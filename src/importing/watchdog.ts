/** A thread beside the one that parses: ends the process where it takes too much memory or time, or where its parent is gone. */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

const CHECK_MS = 20
const STDERR = 2

const MS_PER_MICROSECOND = 1e-3

export interface WatchdogData {
  readonly memoryBytes: number
  readonly cpuMs: number
  /** Process id of the parent. */
  readonly parent: number
}

const { memoryBytes, cpuMs, parent } = workerData as WatchdogData
const before = process.cpuUsage()

setInterval(() => {
  const { user, system } = process.cpuUsage(before)
  const usedMs = (user + system) * MS_PER_MICROSECOND
  const isOrphan = process.ppid !== parent
  if (process.memoryUsage.rss() > memoryBytes) end('more memory')
  else if (usedMs > cpuMs || isOrphan) end('more time')
}, CHECK_MS)
function end(words: string): void {
  writeSync(STDERR, `${words}\n`)
  process.kill(process.pid, 'SIGKILL')
}

parentPort?.postMessage('watching')
