/** Runs the scripts of `scripts/parity` with the Python that `npm run test:parity` sets up. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** Runs `scripts/parity/<script>` and gives what it printed, parsed as JSON. Rejects with its standard error where it fails. */
export async function runPython(script: string, args: readonly string[] = []): Promise<unknown> {
  const { stdout } = await run('.parity/bin/python', ['-B', `scripts/parity/${script}`, ...args], {
    cwd: root,
    maxBuffer: 1 << 30,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', CUDA_VISIBLE_DEVICES: '' },
  })
  return JSON.parse(stdout)
}
