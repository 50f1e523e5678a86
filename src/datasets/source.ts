/** What a user calls a dataset (a folder, an archive, a manifest, a name, a version) → its photos by name. */
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { VergerError } from '../core/errors.ts'
import { hasRegistry } from '../store/has-registry.ts'
import { openStore, type StoreConfig } from '../store/store.ts'
import { ARCHIVE_EXTENSIONS, unpackOnce } from './archive.ts'
import type { FoundCandidates } from './candidates.ts'
import { type FolderOptions, findFolderCandidates } from './folder-candidates.ts'
import { gotDatasetFolder, readGotDataset } from './got-dataset.ts'
import { MANIFEST_EXTENSIONS, readManifestFile } from './manifest-file.ts'
import { markUnpackedUsed } from './unpacked-archives.ts'
import { correctionPath, isVersionPrefix, loadDatasetVersion } from './versions.ts'

export interface DatasetSourceOptions extends FolderOptions, StoreConfig {
  /** Folder that relative paths start from. */
  readonly cwd: string
}

export interface DatasetSource extends FoundCandidates {
  /** Short name for people, e.g. that of the folder. */
  readonly name: string
  /** What was opened: an absolute path, or the name as it was given. */
  readonly source: string
  /** The saved version that was named, where it was one. */
  readonly version?: string
}

/**
 * Opens a dataset. `reference` is, in this order: the path of a folder, of an archive (.zip, .tar, .tar.gz), or of a
 * manifest (.csv, .jsonl); the name of a dataset that was got; the id of a saved version, or its first 6 digits or more.
 *
 * Throws `dataset_not_found`, `dataset_empty`, `dataset_invalid`, `dataset_ambiguous`, and what unpacking an archive or
 * opening the store throws.
 */
export async function openDatasetSource(
  reference: string,
  options: DatasetSourceOptions,
): Promise<DatasetSource> {
  const source = await resolveReference(reference, options)
  if (source.candidates.length === 0) throw empty(source, options.glob)
  return source
}

async function resolveReference(
  reference: string,
  options: DatasetSourceOptions,
): Promise<DatasetSource> {
  const { cwd, home } = options
  const path = resolve(cwd, reference)
  const stats = reference === '' ? undefined : await stat(path).catch(() => undefined)
  if (stats !== undefined) {
    const name = stats.isDirectory() ? basename(path) : stem(path)
    return { name: name || 'photos', source: path, ...(await openPath(path, options)) }
  }
  const got = await readGotDataset(home, reference)
  if (got !== undefined) {
    const photos = join(gotDatasetFolder(home, reference), got.photos)
    const found = await openPath(photos, { ...options, isConfined: true })
    return { name: reference, source: reference, ...found }
  }
  if (isVersionPrefix(reference) && (await hasRegistry(options))) {
    const source = await openVersion(reference, options)
    if (source !== undefined) return source
  }
  throw new VergerError(
    'dataset_not_found',
    `Expected a folder, an archive, a manifest, or the name or id of a dataset, found nothing that is called ${reference}`,
    { hint: 'Check the path; verger datasets list shows the datasets that have a name or an id.' },
  )
}

interface PathOptions extends DatasetSourceOptions {
  /** Whether what is at the path was made by somebody else and may not lead out of it. */
  readonly isConfined?: boolean
}

async function openPath(path: string, options: PathOptions): Promise<FoundCandidates> {
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isDirectory() === true) return findFolderCandidates(path, options)
  if (hasExtension(path, MANIFEST_EXTENSIONS)) {
    refuseGlob(options.glob, path)
    return readManifestFile(path, { isConfined: options.isConfined === true })
  }
  if (hasExtension(path, ARCHIVE_EXTENSIONS)) {
    return findFolderCandidates(await unpackOnce(path, options.home), options)
  }
  const expected =
    'Expected a folder, an archive (.zip, .tar, .tar.gz) or a manifest (.csv, .jsonl)'
  throw new VergerError('dataset_invalid', `${expected}, received ${path}`, {
    hint: 'Name the folder that holds one folder of photos for each label.',
  })
}

async function openVersion(
  prefix: string,
  options: StoreConfig,
): Promise<DatasetSource | undefined> {
  const { home } = options
  const store = await openStore(options)
  try {
    const { blobs } = store
    const { id, name, root, source, photos } = await loadDatasetVersion(store, prefix)
    await markUnpackedUsed(home, root)
    const candidates = photos.map(({ path, label, sha256, split, group }) => ({
      path,
      load: path === correctionPath(sha256) ? () => blobs.get(sha256) : join(root, path),
      label,
      ...(split === undefined ? {} : { split }),
      ...(group === undefined ? {} : { group }),
    }))
    return { name, source, root, candidates, findings: [], version: id }
  } catch (error) {
    if (error instanceof VergerError && error.code === 'dataset_not_found') return undefined
    throw error
  } finally {
    await store.close()
  }
}

const hasExtension = (path: string, extensions: readonly string[]): boolean =>
  extensions.some((extension) => path.toLowerCase().endsWith(extension))

/** `fruits.tar.gz` → `fruits`. */
function stem(path: string): string {
  const name = basename(path)
  const extension = [...ARCHIVE_EXTENSIONS, ...MANIFEST_EXTENSIONS]
    .filter((known) => name.toLowerCase().endsWith(known))
    .reduce((longest, known) => (known.length > longest.length ? known : longest), '')
  return name.slice(0, name.length - extension.length)
}

function refuseGlob(glob: string | undefined, path: string): void {
  if (glob === undefined) return
  throw new VergerError(
    'usage_invalid',
    `Expected no --glob for the manifest ${path}, received ${glob}`,
    {
      hint: 'Leave out lines of the manifest instead.',
    },
  )
}

function empty({ root, findings }: DatasetSource, glob: string | undefined): VergerError {
  const pattern = glob === undefined ? '' : ` that match ${glob}`
  const unlabelled = findings.find(({ kind }) => kind === 'no-label')?.paths.length ?? 0
  const unreadable = findings.filter(({ kind }) => kind === 'broken')
  const received = [
    ...(unlabelled === 0 ? [] : [`${unlabelled} directly in it, without a label`]),
    ...unreadable.map(({ message }) => message),
  ]
  return new VergerError(
    'dataset_empty',
    `Expected photos${pattern} in folders below ${root}, found ${received.join('; ') || 'none'}`,
    {
      hint: 'Put the photos of each label into a folder of its name: fruits/apple/1.jpg, fruits/pear/1.jpg.',
      details: { root, findings },
    },
  )
}
