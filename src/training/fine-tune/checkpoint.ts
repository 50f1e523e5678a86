/**
 * Where a fine-tuning stands, so that a killed one goes on with the same result:
 *
 *   <folder>/checkpoint.json        written last; names the tensors by their hash
 *   <folder>/<hash>.safetensors     removed once another checkpoint has taken its place
 *
 * What a kill interrupts leaves the checkpoint before it. Whoever uses the folder holds its lock.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder, isTemporaryName, writeFileAtomic } from '../../core/atomic-write.ts'
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
  readonly format: 2
  /** SHA-256 of the tensors, which is the name of their file. */
  readonly tensors: string
  readonly progress: Progress
  /** SHA-256 of the progress as JSON. */
  readonly sha256: string
}

const FORMAT = 2
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
  const file: CheckpointFile<Progress> = {
    ...{ format: FORMAT, tensors: hash, progress },
    sha256: hashOf(progress),
  }
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(file)}\n`)
  for (const name of await readdir(folder)) {
    const isSpent = TENSORS.test(name) && !name.startsWith(hash)
    if (isSpent || isTemporaryName(name)) await rm(join(folder, name), { force: true })
  }
}

/** Why what lies in a folder is of no use: then the training begins anew. */
export interface UnusableCheckpoint {
  readonly fault: string
}

/** Undefined where there is none. */
export async function readCheckpoint<Progress>(
  folder: string,
): Promise<Checkpoint<Progress> | UnusableCheckpoint | undefined> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const file: CheckpointFile<Progress> = JSON.parse(text)
    if (file.format !== FORMAT) return { fault: 'is of another version of Verger' }
    const bytes = await readFile(join(folder, `${file.tensors}.safetensors`))
    const isWhole = sha256(bytes) === file.tensors && hashOf(file.progress) === file.sha256
    return isWhole ? { progress: file.progress, tensors: parseGroups(bytes) } : { fault: DAMAGED }
  } catch {
    return { fault: DAMAGED }
  }
}

const DAMAGED = 'is damaged'

const hashOf = (progress: unknown): string => sha256(Buffer.from(JSON.stringify(progress)))

function parseGroups(bytes: Uint8Array): TensorGroups {
  const tensors: Record<string, Map<string, FloatTensor>> = {}
  for (const [key, tensor] of decodeSafetensors(bytes)) {
    const at = key.indexOf(SEPARATOR)
    const group = tensors[key.slice(0, at)] ?? new Map()
    tensors[key.slice(0, at)] = group.set(key.slice(at + 1), tensor)
  }
  return tensors
}

/** Once it is no longer needed. */
export const removeCheckpoint = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true })
