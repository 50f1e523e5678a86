/** What fine-tunings that did not end have left in a home. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocked } from '../../download/file-lock.ts'
import { removeCheckpoint } from './checkpoint.ts'

export interface LeftTuning {
  readonly path: string
  readonly sizeBytes: number
  /** Of its last checkpoint. */
  readonly usedAtMs: number
}

/** Where fine-tunings put their checkpoints, each in a folder with a lock beside it. */
export const tuningsFolder = (home: string): string => join(home, 'cache', 'fine-tuning')

/** Leaves out those that go on now. */
export async function listLeftTunings(home: string): Promise<LeftTuning[]> {
  const root = tuningsFolder(home)
  const left: LeftTuning[] = []
  for (const entry of await readdir(root, { withFileTypes: true }).catch(() => [])) {
    const path = join(root, entry.name)
    if (!entry.isDirectory() || entry.name.endsWith('.lock') || (await isLocked(`${path}.lock`))) {
      continue
    }
    const names = await readdir(path).catch((): string[] => [])
    // What goes on may replace them meanwhile.
    const files = await Promise.all(
      names.map((name) => stat(join(path, name)).catch(() => undefined)),
    )
    const found = files.filter((file) => file !== undefined)
    left.push({
      path,
      sizeBytes: found.reduce((total, { size }) => total + size, 0),
      usedAtMs: Math.max((await stat(path)).mtimeMs, ...found.map(({ mtimeMs }) => mtimeMs)),
    })
  }
  return left
}

export const removeLeftTuning = ({ path }: LeftTuning): Promise<void> => removeCheckpoint(path)
