import type { Store } from '../store/store.ts'
import { toVersion } from './versions.ts'

/** Hashes of all blobs that a version, a corrected photo or a dataset refers to. */
export async function referencedBlobs({ db, file }: Store): Promise<Set<string>> {
  const versions = await db.selectFrom('versions').selectAll().execute()
  const photos = await db.selectFrom('corrections').select('photo_sha256').execute()
  const datasets = await db.selectFrom('datasets').select('id').execute()
  return new Set([
    ...versions.flatMap((row) => Object.values(toVersion(row, file).files)),
    ...photos.map((row) => row.photo_sha256),
    ...datasets.map(({ id }) => id),
  ])
}
