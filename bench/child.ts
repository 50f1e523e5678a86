/** Runs a command to its end and tells how long it took and how much memory it held at most. */
import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export interface ChildResult {
  readonly elapsedMs: number
  /** Peak resident memory in MB, read from the kernel's high-water mark; NaN where there is none. */
  readonly peakMb: number
}

const POLL_MS = 4

/** Runs `node` with `args`, as `runProgram` does. */
export const runNode = (
  args: readonly string[],
  stdout?: string,
  env?: Readonly<Record<string, string>>,
): Promise<ChildResult> => runProgram(process.execPath, args, stdout, env)

/** Runs a program to its end; standard output goes to `stdout` or nowhere. Rejects when it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
  stdout = '/dev/null',
  env: Readonly<Record<string, string>> = {},
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now()
    const child = spawn(program, args, {
      cwd: ROOT,
      // Verger keeps the runtime from reporting to its maker; what it is measured beside is spared that work too.
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...env },
      stdio: ['ignore', openSync(stdout, 'w'), 'pipe'],
    })
    let peakMb = Number.NaN
    let errors = ''
    const poll = setInterval(() => {
      peakMb = peakMemoryMb(child.pid) ?? peakMb
    }, POLL_MS)
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.once('exit', (code) => {
      clearInterval(poll)
      const elapsedMs = performance.now() - startMs
      if (code === 0) resolve({ elapsedMs, peakMb })
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${errors}`))
    })
  })
}

/** High-water mark of a living process. */
export function peakMemoryMb(pid: number | undefined): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6
  } catch {
    return undefined
  }
}
