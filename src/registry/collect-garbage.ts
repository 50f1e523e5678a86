/** Removes what nothing needs any more: corrected photos whose time is over, and blobs that nothing refers to. */
import pMap from 'p-map'
import { withBlobsAlone } from '../store/blob-lock.ts'
import type { BlobEntry } from '../store/blob-store.ts'
import type { Store } from '../store/store.ts'
import { referencedBlobs } from './referenced-blobs.ts'

export interface Amount {
  readonly count: number
  readonly sizeBytes: number
}

export interface Garbage {
  /** Corrected photos that their models keep no longer: model → how many. */
  readonly expired: Readonly<Record<string, number>>
  /** Blobs that are gone, or would be. */
  readonly removed: Amount
  /** Blobs that nothing refers to, put so lately that somebody may be about to. */
  readonly young: Amount
  /** Blobs that something refers to. */
  readonly kept: Amount
}

export interface CollectOptions {
  readonly dryRun?: boolean
  /** How long a blob that nothing refers to stays. */
  readonly graceMs?: number
}

/** Whoever uploads refers to its blobs well within it; and if not, puts them again. */
const GRACE_MS = 60 * 60 * 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** Blobs that are removed in one transaction, which others wait for. */
const BATCH = 50
const DELETED_AT_ONCE = 8

/** Never removes a blob that something refers to, whoever writes meanwhile. Throws an error of the registry or blob store. */
export async function collectGarbage(
  store: Store,
  { dryRun = false, graceMs = GRACE_MS }: CollectOptions = {},
): Promise<Garbage> {
  const expired = await expireCorrections(store, dryRun)
  const putBeforeMs = Date.now() - graceMs
  const known = await referencedBlobs(store.db, store.location)
  const removed = { count: 0, sizeBytes: 0 }
  const young = { count: 0, sizeBytes: 0 }
  const kept = { count: 0, sizeBytes: 0 }
  const add = (amount: typeof kept, { sizeBytes }: BlobEntry) => {
    amount.count++
    amount.sizeBytes += sizeBytes
  }
  let batch: BlobEntry[] = []
  const flush = async () => {
    const gone = dryRun ? batch : await removeUnreferenced(store, batch)
    for (const blob of batch) add(gone.includes(blob) ? removed : kept, blob)
    batch = []
  }
  for await (const blob of store.blobs.list()) {
    if (known.has(blob.sha256)) add(kept, blob)
    else if (blob.putAtMs > putBeforeMs) add(young, blob)
    else if (batch.push(blob) === BATCH) await flush()
  }
  await flush()
  return { expired, removed, young, kept }
}

/** Gives those that are gone: the others have come into use. */
function removeUnreferenced(store: Store, batch: readonly BlobEntry[]): Promise<BlobEntry[]> {
  return withBlobsAlone(store, async (trx) => {
    const known = await referencedBlobs(trx, store.location)
    const gone = batch.filter(({ sha256 }) => !known.has(sha256))
    await pMap(gone, ({ sha256 }) => store.blobs.delete(sha256), { concurrency: DELETED_AT_ONCE })
    return gone
  })
}

async function expireCorrections(store: Store, dryRun: boolean): Promise<Record<string, number>> {
  const models = await store.db
    .selectFrom('models')
    .select(['name', 'keep_corrections_days as days'])
    .where('keep_corrections_days', 'is not', null)
    .orderBy('name')
    .execute()
  const expired: Record<string, number> = {}
  for (const { name, days } of models) {
    const before = new Date(Date.now() - (days ?? 0) * DAY_MS).toISOString()
    const rows = await store.db
      .selectFrom('corrections')
      .select('id')
      .where('model', '=', name)
      .where('created_at', '<', before)
      .execute()
    if (rows.length === 0) continue
    expired[name] = rows.length
    if (dryRun) continue
    await store.write((trx) =>
      trx
        .deleteFrom('corrections')
        .where('model', '=', name)
        .where('created_at', '<', before)
        .execute(),
    )
  }
  return expired
}
