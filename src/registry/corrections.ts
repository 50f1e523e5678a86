/** Photos whose answer a person corrected: examples for the next training, kept only where the owner opted in. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { writeReferring } from '../store/blob-lock.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { requireModel } from './models.ts'
import { requireVersion } from './versions.ts'

export interface Correction {
  readonly model: string
  readonly version: string
  /** Hash of the photo's bytes, which are a blob. */
  readonly photoSha256: string
  /** What a person says it is. */
  readonly label: string
  /** What the version said. */
  readonly predicted: string
  /** Probability of that, 0 to 1. */
  readonly score: number
  /** ISO 8601. */
  readonly createdAt: string
}

export interface NewCorrection {
  readonly model: string
  readonly version: string
  /** The bytes of the photo. */
  readonly photo: Uint8Array
  readonly label: string
  readonly predicted: string
  readonly score: number
}

const MAX_LABEL_LENGTH = 256

/**
 * Keeps a photo with its right label; the same photo corrected again has the newer one. Throws `corrections_off` unless
 * the owner has opted in, `label_invalid`, `model_unknown`, `version_unknown`, `disk_full`, `write_failed`.
 */
export async function addCorrection(
  store: Store,
  { model, version, photo, label: given, predicted, score }: NewCorrection,
): Promise<Correction> {
  const label = parseLabel(given)
  // Before the photo is kept, and again together with the row: the owner may opt out in between.
  await requireOptIn(store.db, model, version)
  const photoSha256 = sha256(photo)
  const createdAt = new Date().toISOString()
  await writeReferring(
    store,
    async () => [await store.blobs.put(photo)],
    async (trx) => {
      await requireOptIn(trx, model, version)
      const said = { version, label, predicted, score, created_at: createdAt }
      await trx
        .insertInto('corrections')
        .values({ model, photo_sha256: photoSha256, ...said })
        .onConflict((conflict) => conflict.columns(['model', 'photo_sha256']).doUpdateSet(said))
        .execute()
    },
  )
  return { model, version, photoSha256, label, predicted, score, createdAt }
}

/** In the order in which the photos came. Throws `model_unknown`. */
export async function listCorrections({ db }: Store, model: string): Promise<Correction[]> {
  await requireModel(db, model)
  const rows = await db
    .selectFrom('corrections')
    .selectAll()
    .where('model', '=', model)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    model,
    version: row.version,
    photoSha256: row.photo_sha256,
    label: row.label,
    predicted: row.predicted,
    score: row.score,
    createdAt: row.created_at,
  }))
}

async function requireOptIn(db: Kysely<Schema>, model: string, version: string): Promise<void> {
  const { keepCorrections } = await requireModel(db, model)
  if (!keepCorrections) {
    throw new VergerError(
      'corrections_off',
      `Expected that the owner of ${model} keeps corrected photos, they have not opted in; nothing was kept`,
      { hint: `verger models update ${model} --keep-corrections`, details: { model } },
    )
  }
  await requireVersion(db, model, version)
}

function parseLabel(given: string): string {
  const label = given.normalize('NFC').trim()
  if (label !== '' && label.length <= MAX_LABEL_LENGTH) return label
  throw new VergerError(
    'label_invalid',
    `Expected a label of 1 to ${MAX_LABEL_LENGTH} characters, received ${label.length}`,
  )
}
