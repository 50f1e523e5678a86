/** Writes an export in the layout of its format: it appears when it is whole, and replaces nothing. */
import { mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  createFolder,
  syncFolder,
  writeFileAtomic,
  writeFolderAtomic,
} from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { type Piece, piece } from '../../tensor/protobuf-pieces.ts'
import { describeExport } from './describe-export.ts'
import type { ExportFormat } from './export-formats.ts'
import type { ExportedClassifier } from './exported-classifier.ts'
import { encodeOnnx } from './onnx.ts'
import { encodeSavedModel } from './saved-model.ts'

export interface WrittenFile {
  /** Path below the folder of the export. */
  readonly name: string
  readonly sizeBytes: number
}

/** Throws `export_exists` where something else than an empty folder lies at `folder`, so that nothing is computed in vain. */
export async function refuseOccupied(folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined)
  if (stats === undefined) return
  const names = stats.isDirectory() ? await readdir(folder) : ['itself']
  if (names.length > 0) throw occupied(folder)
}

/**
 * Writes `saved_model.pb`, an empty `variables` and `assets.extra/verger.json`; or `model.onnx`.
 * Throws `usage_invalid` for a SavedModel of a network in 8 bit, `export_exists`, `export_too_large`, `disk_full` or
 * `write_failed`.
 */
export async function writeExport(
  classifier: ExportedClassifier,
  format: ExportFormat,
  folder: string,
): Promise<readonly WrittenFile[]> {
  refuseRounded(classifier, format)
  const files = planFiles(classifier, format)
  await refuseOccupied(folder)
  await writeFolderAtomic(
    folder,
    async (temporary) => {
      if (format === 'saved-model') await mkdir(join(temporary, 'variables'))
      for (const { name, pieces } of files) {
        const path = join(temporary, name)
        await createFolder(dirname(path))
        await writeFileAtomic(path, joinSmall(pieces))
      }
      await syncFolder(temporary)
    },
    (cause) => occupied(folder, cause),
  )
  return files.map(({ name, pieces }) => ({
    name,
    sizeBytes: pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }))
}

interface PlannedFile {
  readonly name: string
  readonly pieces: readonly Piece[]
}

function planFiles(classifier: ExportedClassifier, format: ExportFormat): PlannedFile[] {
  if (format === 'onnx') return [{ name: 'model.onnx', pieces: [piece(encodeOnnx(classifier))] }]
  const description = `${JSON.stringify(describeExport(classifier), null, 2)}\n`
  return [
    { name: 'saved_model.pb', pieces: encodeSavedModel(classifier) },
    // What a SavedModel's owner adds lies there; TensorFlow leaves it alone.
    { name: 'assets.extra/verger.json', pieces: [piece(Buffer.from(description))] },
  ]
}

/** Below this, pieces are written together: each write costs some ten microseconds. */
const SMALL_BYTES = 2 ** 18

function* joinSmall(pieces: readonly Piece[]): Generator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for (const { sizeBytes, read } of pieces) {
    if (waitingBytes + sizeBytes > SMALL_BYTES && waiting.length > 0) {
      yield Buffer.concat(waiting)
      waiting = []
      waitingBytes = 0
    }
    if (sizeBytes > SMALL_BYTES) yield read()
    else {
      waiting.push(read())
      waitingBytes += sizeBytes
    }
  }
  if (waiting.length > 0) yield Buffer.concat(waiting)
}

function occupied(folder: string, cause?: unknown): VergerError {
  return new VergerError('export_exists', `Expected nothing at ${folder}, found files`, {
    hint: 'Name another folder with --out, or remove that one.',
    ...(cause === undefined ? {} : { cause }),
  })
}

function refuseRounded({ name, observed }: ExportedClassifier, format: ExportFormat): void {
  if (observed === undefined || format === 'onnx') return
  throw new VergerError(
    'usage_invalid',
    `Expected a network in float32 for the format ${format}, received ${name}, which computes in 8 bit`,
    { hint: 'Take --format onnx, or train without --precision int8.' },
  )
}
