import type { Kysely } from 'kysely'
import type { Schema } from '../store/schema.ts'
import { stagedBlobs } from './staged-objects.ts'
import { toVersion } from './versions.ts'

/** Hashes of all blobs that a version, a corrected photo, a dataset or a staged upload refers to. */
export async function referencedBlobs(db: Kysely<Schema>, location: string): Promise<Set<string>> {
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
