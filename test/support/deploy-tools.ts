/** The linters that `scripts/deploy/setup.sh` installs. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TOOLS = fileURLToPath(new URL('../../.deploy/bin', import.meta.url))

/** Path of a tool there or on the path of the machine; undefined where it is missing. */
export function findTool(name: string): string | undefined {
  const folders = [TOOLS, ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Runs a tool and gives what it printed. Throws with it where the tool found a fault. */
export function runTool(name: string, args: readonly string[], input?: string): string {
  try {
    return execFileSync(findTool(name) ?? name, args, {
      encoding: 'utf8',
      stdio: 'pipe',
      ...(input === undefined ? {} : { input }),
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${name} ${args.join(' ')}: ${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}
