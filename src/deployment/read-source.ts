/** A folder or file of this machine → the files of a bundle and the backbone that it stands on. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { findBackbone } from '../backbones/catalog.ts'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import type { ImportedModel, ImportModelPlan } from '../importing/import-model.ts'
import { parseLabels } from '../importing/parse-labels.ts'
import { type ReadBundle, readBundle } from './read-bundle.ts'
import { findMainFile, isFolderFile } from './source-listing.ts'

/** Names of the classes beside a classifier that does not tell them. */
const LABELS_FILE = 'labels.txt'

export interface ReadSource extends ReadBundle {
  /** What was recognised, where it was made elsewhere. */
  readonly imported?: ImportedModel
}

/** What only the user can know about a classifier that was made elsewhere. */
export type ForeignFacts = Pick<ImportModelPlan, 'labels' | 'guessesLabels' | 'scaling' | 'licence'>

export interface ReadSourceContext {
  readonly home: string
  /** Where a backbone goes that it brings or becomes; by default the home. */
  readonly madeIn?: string | undefined
  readonly limits: Limits
  readonly onNote?: ((note: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads a bundle, with the backbone that it may have brought, or imports a classifier that was made elsewhere.
 *
 * @param place - what the user called it, for messages
 *
 * Throws `source_invalid`, an error of the bundle, or what `importModel` throws.
 */
export async function readSource(
  path: string,
  place: string,
  facts: ForeignFacts,
  context: ReadSourceContext,
): Promise<ReadSource> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw noSource(place, error)
  })
  if (!stats.isDirectory()) {
    const isInFolder = isFolderFile(basename(path))
    return isInFolder
      ? readSource(dirname(path), place, facts, context)
      : importSource(path, place, facts, context)
  }
  const main = findMainFile(await readdir(path), place)
  if (main.isBundle) return readBundle(path, context.home, context.madeIn)
  const labels = facts.labels ?? (await readLabelsBeside(path))
  return importSource(
    main.isFolder ? path : join(path, main.name),
    place,
    { ...facts, labels },
    context,
  )
}

function noSource(place: string, cause: NodeJS.ErrnoException): VergerError {
  const found = cause.code === 'ENOENT' ? 'nothing is there' : cause.message
  return new VergerError(
    'source_invalid',
    `Expected a folder or a file with a classifier at ${place}, ${found}`,
    { hint: 'Check the path; names with spaces need quotes.', details: { from: place }, cause },
  )
}

async function importSource(
  path: string,
  location: string,
  facts: ForeignFacts,
  { home, madeIn = home, limits, onNote, signal }: ReadSourceContext,
): Promise<ReadSource> {
  const { importModel } = await import('../importing/import-model.ts')
  const imported = await importModel(
    { path, location, ...facts },
    {
      ...{ home: madeIn, limits },
      ...(onNote === undefined ? {} : { onNote }),
      ...(signal === undefined ? {} : { signal }),
    },
  )
  return { files: imported.files, backbone: findBackbone(imported.backbone.id, madeIn), imported }
}

async function readLabelsBeside(folder: string): Promise<readonly string[] | undefined> {
  const bytes = await readFile(join(folder, LABELS_FILE)).catch(() => undefined)
  return bytes === undefined ? undefined : parseLabels(bytes.toString())
}
