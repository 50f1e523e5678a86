/**
 * Where a fine-tuning stands, so that a killed one goes on with the same result:
 *
 *   <folder>/checkpoint.json        written last; names the tensors by their hash
 *   <folder>/<hash>.safetensors     removed once another checkpoint has taken its place
 *
 * What a kill interrupts leaves the checkpoint before it.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder, writeFileAtomic } from '../../core/atomic-write.ts'
import { sha256 } from '../../core/hashes.ts'
import { decodeSafetensors, encodeSafetensors } from '../../tensor/safetensors.ts'
import type { FloatTensor, Weights } from '../../tensor/tensor.ts'

/** Tensors in groups, e.g. weights and moments. */
export type TensorGroups = Readonly<Record<string, Weights>>

export interface Checkpoint<Progress> {
  readonly progress: Progress
  readonly tensors: TensorGroups
}

interface CheckpointFile<Progress> {
  readonly format: 1
  /** SHA-256 of the tensors, which is the name of their file. */
  readonly tensors: string
  readonly progress: Progress
}

const FILE = 'checkpoint.json'
const TENSORS = /^[0-9a-f]{64}\.safetensors$/
/** Between the name of a group and that of a tensor; no name of a group holds it. */
const SEPARATOR = ':'

/** Throws `disk_full` or `write_failed`; the checkpoint before it then stays. */
export async function writeCheckpoint<Progress>(
  folder: string,
  { progress, tensors }: Checkpoint<Progress>,
): Promise<void> {
  const stored = Object.entries(tensors).flatMap(([group, members]) =>
    [...members].map(
      ([name, tensor]) => [`${group}${SEPARATOR}${name}`, { ...tensor, type: 'F32' }] as const,
    ),
  )
  const bytes = encodeSafetensors(Object.fromEntries(stored))
  const hash = sha256(bytes)
  await createFolder(folder)
  await writeFileAtomic(join(folder, `${hash}.safetensors`), bytes)
  const file: CheckpointFile<Progress> = { format: 1, tensors: hash, progress }
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(file)}\n`)
  for (const name of await readdir(folder)) {
    if (!TENSORS.test(name) || name.startsWith(hash)) continue
    await rm(join(folder, name), { force: true })
  }
}

/** Undefined where there is none, or where it is damaged: then the training begins anew. */
export async function readCheckpoint<Progress>(
  folder: string,
): Promise<Checkpoint<Progress> | undefined> {
  try {
    const file: CheckpointFile<Progress> = JSON.parse(await readFile(join(folder, FILE), 'utf8'))
    const bytes = await readFile(join(folder, `${file.tensors}.safetensors`))
    if (file.format !== 1 || sha256(bytes) !== file.tensors) return undefined
    const tensors: Record<string, Map<string, FloatTensor>> = {}
    for (const [key, tensor] of decodeSafetensors(bytes)) {
      const at = key.indexOf(SEPARATOR)
      const group = tensors[key.slice(0, at)] ?? new Map()
      tensors[key.slice(0, at)] = group.set(key.slice(at + 1), tensor)
    }
    return { progress: file.progress, tensors }
  } catch {
    return undefined
  }
}

/** Once it is no longer needed. */
export const removeCheckpoint = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true })
