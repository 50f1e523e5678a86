/**
 * Files that a client uploads before it makes a version of them: `gcloud … versions create --origin ./dir` puts them into a
 * bucket first. They are blobs under the name that the client gave, for a week; what became a version stays with it.
 */
import { randomUUID } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { writeReferring } from '../store/blob-lock.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export interface StagedObject {
  readonly bucket: string
  /** Path in the bucket. */
  readonly name: string
  readonly sha256: string
  /** Base64. */
  readonly md5: string
  readonly sizeBytes: number
  readonly contentType: string
  /** ISO 8601. */
  readonly putAt: string
}

export interface StagedPart {
  readonly sha256: string
  readonly sizeBytes: number
}

export interface StagedUpload {
  readonly id: string
  readonly bucket: string
  readonly name: string
  readonly contentType: string
  readonly parts: readonly StagedPart[]
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Longer than a weekend between the upload and the version. */
const KEPT_MS = 7 * DAY_MS

/** What was put before this has expired. */
export const stagedSince = (now = Date.now()): string => new Date(now - KEPT_MS).toISOString()

/** A file on this machine, which becomes a blob. */
export interface LocalFile {
  readonly path: string
  readonly sha256: string
  /** Base64. */
  readonly md5: string
  readonly sizeBytes: number
}

/** Puts a file in the place of the object that has this name. */
export async function putStaged(
  store: Store,
  { bucket, name, contentType }: Pick<StagedObject, 'bucket' | 'name' | 'contentType'>,
  file: LocalFile,
): Promise<StagedObject> {
  const content = {
    sha256: file.sha256,
    md5: file.md5,
    size_bytes: file.sizeBytes,
    content_type: contentType,
    put_at: new Date().toISOString(),
  }
  await writeReferring(store, putting(store, file), (trx) =>
    trx
      .insertInto('staged_objects')
      .values({ bucket, name, ...content })
      .onConflict((conflict) => conflict.columns(['bucket', 'name']).doUpdateSet(content))
      .execute(),
  )
  return toObject({ bucket, name, ...content })
}

const putting =
  ({ blobs }: Store, { path, sha256 }: LocalFile) =>
  async () => [await blobs.putFile(path, { sha256 })]

/** Throws `staged_unknown`. */
export async function getStaged(
  { db }: Store,
  bucket: string,
  name: string,
): Promise<StagedObject> {
  const row = await db
    .selectFrom('staged_objects')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('name', '=', name)
    .where('put_at', '>=', stagedSince())
    .executeTakeFirst()
  if (row !== undefined) return toObject(row)
  throw new VergerError(
    'staged_unknown',
    `Expected an uploaded file gs://${bucket}/${name}, found none`,
    { hint: 'Files that no version was made of are removed after a week.' },
  )
}

/** In the order of their names. */
export async function listStaged(
  { db }: Store,
  bucket: string,
  prefix = '',
): Promise<StagedObject[]> {
  const rows = await db
    .selectFrom('staged_objects')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('put_at', '>=', stagedSince())
    .orderBy('name')
    .execute()
  return rows.filter(({ name }) => name.startsWith(prefix)).map(toObject)
}

/** Names of the buckets that hold something, in their order. */
export async function listStagedBuckets({ db }: Store): Promise<string[]> {
  const rows = await db
    .selectFrom('staged_objects')
    .select('bucket')
    .groupBy('bucket')
    .where('put_at', '>=', stagedSince())
    .orderBy('bucket')
    .execute()
  return rows.map(({ bucket }) => bucket)
}

/** Throws `staged_unknown`. */
export async function deleteStaged(store: Store, bucket: string, name: string): Promise<void> {
  await getStaged(store, bucket, name)
  await store.db
    .deleteFrom('staged_objects')
    .where('bucket', '=', bucket)
    .where('name', '=', name)
    .execute()
}

/** Begins an upload that comes in parts. */
export async function addUpload(
  { db }: Store,
  upload: Pick<StagedUpload, 'bucket' | 'name' | 'contentType'>,
): Promise<StagedUpload> {
  const { bucket, name, contentType } = upload
  const row = {
    id: randomUUID(),
    bucket,
    name,
    content_type: contentType,
    parts: '[]',
    put_at: new Date().toISOString(),
  }
  await db.insertInto('staged_uploads').values(row).execute()
  return toUpload(row)
}

/** Throws `staged_unknown`. */
export async function getUpload({ db }: Store, id: string): Promise<StagedUpload> {
  const row = await db
    .selectFrom('staged_uploads')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (row !== undefined) return toUpload(row)
  throw new VergerError(
    'staged_unknown',
    `Expected the id of an upload, received ${JSON.stringify(id)}`,
    { hint: 'Begin the upload again.' },
  )
}

/** Keeps a further part of an upload. Throws `staged_unknown` where another request has added to it meanwhile. */
export async function addPart(
  store: Store,
  { id, parts }: StagedUpload,
  file: LocalFile,
): Promise<StagedUpload> {
  const { sha256, sizeBytes } = file
  const row = await writeReferring(store, putting(store, file), (trx) =>
    trx
      .updateTable('staged_uploads')
      .set({
        parts: JSON.stringify([...parts, { sha256, sizeBytes }]),
        put_at: new Date().toISOString(),
      })
      .where('id', '=', id)
      .where('parts', '=', JSON.stringify(parts))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row !== undefined) return toUpload(row)
  throw new VergerError(
    'staged_unknown',
    `Expected one request at a time for the upload ${id}, another one added to it`,
    { hint: 'Ask how far it is, and go on from there.' },
  )
}

export async function removeUpload({ db }: Store, id: string): Promise<void> {
  await db.deleteFrom('staged_uploads').where('id', '=', id).execute()
}

/** Removes what has expired; its blobs are left to the garbage collection. */
export async function removeExpiredStaged({ db }: Store): Promise<void> {
  await db.deleteFrom('staged_objects').where('put_at', '<', stagedSince()).execute()
  await db.deleteFrom('staged_uploads').where('put_at', '<', stagedSince()).execute()
}

/** Hashes of the blobs that are still needed. */
export async function stagedBlobs(db: Kysely<Schema>): Promise<string[]> {
  const objects = await db
    .selectFrom('staged_objects')
    .select('sha256')
    .where('put_at', '>=', stagedSince())
    .execute()
  const uploads = await db
    .selectFrom('staged_uploads')
    .selectAll()
    .where('put_at', '>=', stagedSince())
    .execute()
  return [
    ...objects.map(({ sha256 }) => sha256),
    ...uploads.flatMap((row) => toUpload(row).parts.map(({ sha256 }) => sha256)),
  ]
}

const toObject = (row: Selectable<Schema['staged_objects']>): StagedObject => ({
  bucket: row.bucket,
  name: row.name,
  sha256: row.sha256,
  md5: row.md5,
  sizeBytes: row.size_bytes,
  contentType: row.content_type,
  putAt: row.put_at,
})

const toUpload = (row: Selectable<Schema['staged_uploads']>): StagedUpload => ({
  id: row.id,
  bucket: row.bucket,
  name: row.name,
  contentType: row.content_type,
  parts: JSON.parse(row.parts) as StagedPart[],
})
