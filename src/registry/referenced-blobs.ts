<<<<<<< HEAD
import type { Store } from '../store/store.ts'
import { stagedBlobs } from './staged-objects.ts'
import { toVersion } from './versions.ts'

/** Hashes of all blobs that a version, a corrected photo, a dataset or an uploaded file refers to. */
export async function referencedBlobs({ db, location }: Store): Promise<Set<string>> {
=======
import type { Kysely } from 'kysely'
import type { Schema } from '../store/schema.ts'
import { toVersion } from './versions.ts'

/** Hashes of all blobs that a version, a corrected photo or a dataset refers to. */
export async function referencedBlobs(db: Kysely<Schema>, location: string): Promise<Set<string>> {
>>>>>>> 2fbbb61 (Collect garbage that nobody can come to need meanwhile; end the time of corrected photos)
  const versions = await db.selectFrom('versions').selectAll().execute()
  const photos = await db.selectFrom('corrections').select('photo_sha256').execute()
  const datasets = await db.selectFrom('datasets').select('id').execute()
  return new Set([
    ...versions.flatMap((row) => {
      const { files, backboneFiles = {} } = toVersion(row, location)
      return [...Object.values(files), ...Object.values(backboneFiles)]
    }),
    ...photos.map((row) => row.photo_sha256),
    ...datasets.map(({ id }) => id),
    ...(await stagedBlobs(db)),
  ])
}
