/** Runs the built program to its end. Rejects with its standard error where it fails. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = fileURLToPath(new URL('../../bin/verger.js', import.meta.url))
const run = promisify(execFile)

/** Gives what it printed. */
export async function runVerger(args: readonly string[], home?: string): Promise<string> {
  const env = home === undefined ? process.env : { ...process.env, VERGER_HOME: home }
  const { stdout } = await run(process.execPath, [PROGRAM, ...args], { env })
  return stdout
}
