/** Runs the built program as a user would: a fresh home, no settings of the person who runs the tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export const PHOTOS = fileURLToPath(new URL('../fixtures/photos', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../bin/verger.js', import.meta.url))

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  /** Exit code, or the name of the signal that ended the process. */
  readonly exit: number | string
}

export interface Sandbox {
  /** Temporary folder; `home` in it is `VERGER_HOME`. */
  readonly folder: string
  /** Starts a line of a POSIX shell, in which `verger` is the built program. */
  start(line: string, env?: Readonly<Record<string, string>>): ChildProcess
  /** Runs a line to its end, with nothing on standard input. */
  run(line: string, env?: Readonly<Record<string, string>>): Promise<Outcome>
  remove(): void
}

export function createSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'verger-cli-'))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'home'))
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`
  writeFileSync(join(folder, 'bin/verger'), shim, { mode: 0o755 })
  const base = {
    PATH: `${folder}/bin:${process.env['PATH']}`,
    HOME: folder,
    SANDBOX: folder,
    VERGER_HOME: join(folder, 'home'),
    VERGER_WORKERS: '2',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
  }
  const start: Sandbox['start'] = (line, env = {}) =>
    spawn('sh', ['-c', line], {
      cwd: PHOTOS,
      env: { ...base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  return {
    folder,
    start,
    run: (line, env) => outcomeOf(start(line, env)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Waits for the end of a process that `start` gave. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('the process has no pipes')
  const [out, err, [code, signal]] = await Promise.all([
    text(stdout),
    text(stderr),
    once(child, 'close'),
  ])
  return { stdout: out, stderr: err, exit: code ?? signal }
}
