import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ROOT } from './child.ts'

export interface LoadResult {
  /** Answers per second. */
  readonly rate: number
  readonly latenciesMs: readonly number[]
  readonly healthMs: readonly number[]
  /** Answers with another status than 200, and connections that broke. */
  readonly failures: number
}

/** Runs `bench/load-client.mjs`: a process of its own, so that its work is not the server's. */
export async function runLoad(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<LoadResult> {
  const client = spawn(process.execPath, ['bench/load-client.mjs', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(client.stdout), 'line')
  return JSON.parse(line) as LoadResult
}
