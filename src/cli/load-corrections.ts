/** Photos whose answer was corrected, as photos to learn from beside a dataset. */
import { toVergerError, VergerError } from '../core/errors.ts'
import { brokenFinding } from '../datasets/broken-finding.ts'
import { findDatasetFaults, foldLabel } from '../datasets/dataset-faults.ts'
import type { Finding } from '../datasets/findings.ts'
import { readPhotoSize } from '../datasets/read-photo-facts.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import { correctionPath } from '../datasets/versions.ts'
import { type Correction, listCorrections } from '../registry/corrections.ts'
import type { Store } from '../store/store.ts'

export interface LoadedCorrections {
  readonly photos: readonly ScannedPhoto[]
  /** The dataset with the findings of both together. */
  readonly dataset: ScannedDataset
}

/**
 * Loads the corrections of a model; none where it does not exist yet. Somebody who corrects an answer may write a label
 * otherwise than the dataset does: where only case or Unicode form differ, the dataset's spelling is taken.
 */
export async function loadCorrections(
  store: Store,
  model: string,
  dataset: ScannedDataset,
): Promise<LoadedCorrections> {
  const corrections = await correctionsOf(store, model)
  if (corrections.length === 0) return { photos: [], dataset }
  const spelling = new Map(dataset.photos.map(({ label }) => [foldLabel(label), label]))
  const photos: ScannedPhoto[] = []
  const broken: Finding[] = []
  for (const correction of corrections) {
    const label = spelling.get(foldLabel(correction.label)) ?? correction.label
    const path = correctionPath(correction.photoSha256)
    try {
      photos.push({ path, label, ...(await readCorrected(store, correction)) })
    } catch (error) {
      broken.push(brokenFinding(path, aboutPhoto(error), label))
    }
  }
  return { photos, dataset: { ...dataset, findings: findingsOf(dataset, photos, broken) } }
}

async function correctionsOf(store: Store, model: string): Promise<Correction[]> {
  try {
    return await listCorrections(store, model)
  } catch (error) {
    if (error instanceof VergerError && error.code === 'model_unknown') return []
    throw error
  }
}

async function readCorrected(store: Store, { photoSha256: sha256 }: Correction) {
  const load = () => store.blobs.get(sha256)
  const bytes = await load()
  const { width, height } = await readPhotoSize(bytes)
  return { sha256, sizeBytes: bytes.length, width, height, load }
}

/** A stored photo that is damaged or gone is a finding, as a broken photo of the dataset is. */
function aboutPhoto(error: unknown): VergerError {
  const known = toVergerError(error)
  if (/^(blob|photo)_/.test(known.code)) return known
  throw known
}

/** What a photo, or a label, is guilty of alone stays; what photos do to each other is looked for among all. */
function findingsOf(
  { photos, findings }: ScannedDataset,
  corrected: readonly ScannedPhoto[],
  broken: readonly Finding[],
): Finding[] {
  const all = [...photos, ...corrected]
  const labels = [...all.map(({ label }) => label), ...findings.flatMap(({ labels }) => labels)]
  return [
    ...findings.filter(({ kind }) => kind === 'broken' || kind === 'no-label'),
    ...broken,
    ...findDatasetFaults(all, new Set(labels)),
  ]
}
