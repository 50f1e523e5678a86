/** Photos whose answer was corrected, as photos to learn from. */
import { readPhotoSize } from '../datasets/read-photo-facts.ts'
import { listCorrections } from '../registry/corrections.ts'
import type { Store } from '../store/store.ts'
import type { TrainingPhoto } from '../training/prepare-dataset.ts'

/** Gives the corrections of a model; none where it does not exist yet. */
export async function loadCorrections(store: Store, model: string): Promise<TrainingPhoto[]> {
  const known = await store.db
    .selectFrom('models')
    .select('name')
    .where('name', '=', model)
    .executeTakeFirst()
  if (known === undefined) return []
  const photos: TrainingPhoto[] = []
  for (const { photoSha256, label } of await listCorrections(store, model)) {
    const load = () => store.blobs.get(photoSha256)
    const bytes = await load()
    const { width, height } = await readPhotoSize(bytes)
    photos.push({
      path: `corrections/${photoSha256}`,
      sha256: photoSha256,
      sizeBytes: bytes.length,
      width,
      height,
      label,
      load,
    })
  }
  return photos
}
