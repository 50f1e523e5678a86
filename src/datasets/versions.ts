/** Dataset versions in the store: the manifest is a blob named by its hash, a row tells when and where it was found. */
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { writeReferring } from '../store/blob-lock.ts'
import type { DatasetRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { countLabels } from './label-counts.ts'
import { type DatasetPhoto, encodeManifest, parseManifest } from './manifest.ts'
import type { ScannedDataset } from './scan.ts'

/** A saved dataset version without its photos. */
export interface DatasetVersion {
  /** SHA-256 of the manifest. */
  readonly id: string
  readonly name: string
  /** Folder in which the photos were seen last. */
  readonly root: string
  readonly source: string
  readonly photoCount: number
  readonly labelCount: number
  readonly sizeBytes: number
  /** When it was first saved, ISO 8601. */
  readonly createdAt: string
}

export interface LoadedDatasetVersion extends DatasetVersion {
  readonly photos: readonly DatasetPhoto[]
}

/** Where a corrected photo stands in a version: under its hash, by which its bytes are kept as a blob. */
export const correctionPath = (sha256: string): string => `corrections/${sha256}`

/** Fewest digits of an id that name a version. */
const MIN_PREFIX = 6

/** Whether a word may be the id of a dataset version, or the start of one. */
export const isVersionPrefix = (word: string): boolean =>
  new RegExp(`^[0-9a-f]{${MIN_PREFIX},64}$`).test(word)

interface SavedDataset extends Omit<ScannedDataset, 'id' | 'findings' | 'photos'> {
  readonly photos: readonly DatasetPhoto[]
}

/** Saves a version: first its manifest, then the row that makes it visible. Saving it again notes where it lies now. */
export async function saveDatasetVersion(
  store: Store,
  { name, source, root, photos, sizeBytes }: SavedDataset,
): Promise<DatasetVersion> {
  const manifest = encodeManifest(photos)
  const id = sha256(manifest)
  const row: DatasetRow = {
    id,
    name,
    root,
    source,
    photo_count: photos.length,
    label_count: countLabels(photos).length,
    size_bytes: sizeBytes,
    created_at: new Date().toISOString(),
  }
  const put = async () => [await store.blobs.put(manifest)]
  const saved = await writeReferring(store, put, (trx) =>
    trx
      .insertInto('datasets')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ name, root, source }))
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  return toVersion(saved)
}

/** All saved versions, newest first. */
export async function listDatasetVersions(store: Store): Promise<DatasetVersion[]> {
  const rows = await store.db
    .selectFrom('datasets')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
  return rows.map(toVersion)
}

/**
 * Loads the version with this id, whose id starts so (6 digits or more), or the newest of this name.
 * Throws `dataset_not_found`, `dataset_ambiguous`, `blob_missing` or `blob_damaged`.
 */
export async function loadDatasetVersion(
  store: Store,
  idPrefixOrName: string,
): Promise<LoadedDatasetVersion> {
  const version = await findVersion(store, idPrefixOrName)
  return { ...version, photos: parseManifest(await store.blobs.get(version.id)) }
}

async function findVersion(store: Store, idPrefixOrName: string): Promise<DatasetVersion> {
  const versions = await listDatasetVersions(store)
  const byId = isVersionPrefix(idPrefixOrName)
    ? versions.filter(({ id }) => id.startsWith(idPrefixOrName))
    : []
  if (byId.length > 1) {
    throw new VergerError(
      'dataset_ambiguous',
      `Expected the start of one id, received ${idPrefixOrName}, with which ${byId.length} start: ${byId
        .map(({ id }) => id.slice(0, idPrefixOrName.length + 6))
        .join(', ')}`,
      { hint: 'Give more digits of the id.' },
    )
  }
  const version = byId[0] ?? versions.find(({ name }) => name === idPrefixOrName)
  if (version !== undefined) return version
  throw new VergerError(
    'dataset_not_found',
    `Expected the id or name of a saved dataset version, found no ${idPrefixOrName} among the ${versions.length} that are saved`,
    { hint: 'verger datasets list shows them; verger datasets scan saves one.' },
  )
}

const toVersion = (row: DatasetRow): DatasetVersion => ({
  id: row.id,
  name: row.name,
  root: row.root,
  source: row.source,
  photoCount: row.photo_count,
  labelCount: row.label_count,
  sizeBytes: row.size_bytes,
  createdAt: row.created_at,
})
