/**
 * Garbage collection and those who refer to blobs take turns: a reference that is committed was to a blob that is there,
 * and a blob is removed only where no committed reference is.
 */
import type { Transaction } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { Schema } from './schema.ts'
import type { Store } from './store.ts'

/** Runs a transaction during which nobody commits a reference to a blob. */
export function withBlobsAlone<Result>(
  store: Store,
  work: (trx: Transaction<Schema>) => Promise<Result>,
): Promise<Result> {
  return store.db.transaction().execute(async (trx) => {
    await store.lockBlobs(trx, 'alone')
    return work(trx)
  })
}

/**
 * Runs a transaction like `store.write` that refers to blobs. `put` keeps them and gives their hashes; it is called again,
 * within the transaction, where one was removed before it began. Throws `blob_missing` where `put` does not bring one back.
 */
export async function writeReferring<Result>(
  store: Store,
  put: () => Promise<readonly string[]>,
  work: (trx: Transaction<Schema>) => Promise<Result>,
): Promise<Result> {
  const write = (hashesOf: () => Promise<readonly string[]>) =>
    store.write(async (trx) => {
      await store.lockBlobs(trx, 'share')
      const hashes = await hashesOf()
      const found = await Promise.all(hashes.map((sha256) => store.blobs.has(sha256)))
      const missing = hashes.find((_sha256, index) => found[index] === false)
      if (missing !== undefined) throw new Removed(missing)
      return work(trx)
    })
  const hashes = await put()
  try {
    return await write(async () => hashes)
  } catch (error) {
    if (!(error instanceof Removed)) throw error
  }
  // Now nobody can come between.
  return write(put).catch((error: unknown) => {
    throw error instanceof Removed ? missingBlob(error) : error
  })
}

class Removed extends Error {
  readonly sha256: string

  constructor(sha256: string) {
    super(`blob ${sha256} was removed`)
    this.sha256 = sha256
  }
}

function missingBlob(cause: Removed): VergerError {
  const { sha256 } = cause
  return new VergerError(
    'blob_missing',
    `Expected a stored file with the hash ${sha256} for what refers to it, found nothing`,
    { hint: 'Put the file there again, then try again.', details: { sha256 }, cause },
  )
}
