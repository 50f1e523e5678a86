/** Gives a bundle a name. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { writeReferring } from '../store/blob-lock.ts'
import type { Schema, VersionRow } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { changeDefault } from './change-default.ts'
import { insertModel, lockModel } from './models.ts'
import { requireName } from './names.ts'
import type { Registration, Version } from './registry.ts'
import { checkSettings, mergeAnnotations } from './settings.ts'
import { selectVersion, toVersion } from './versions.ts'

export async function register(store: Store, registration: Registration): Promise<Version> {
  const { model, version, files, description = '', setDefault = false, who, tookMs } = registration
  const { labels = {}, annotations = {}, backboneFiles } = registration
  requireName('model', model)
  if (version !== undefined) requireName('version', version)
  checkSettings(registration)
  const bundle = idOf(files)
  const blobs: Record<string, string> = {}
  const put = async () => {
    for (const [name, bytes] of files) blobs[name] = await store.blobs.put(bytes)
    return [...Object.values(blobs), ...Object.values(backboneFiles ?? {})]
  }

  const row = await writeReferring(store, put, async (trx) => {
    await insertModel(trx, model)
    const { defaultVersion } = await lockModel(trx, model)
    const existing = await findExisting(trx, model, version, bundle)
    if (existing !== undefined && existing.bundle !== bundle) throw versionTaken(existing, bundle)
    const row: VersionRow =
      existing ??
      sealed({
        model,
        name: version ?? (await nextName(trx, model)),
        bundle,
        files: JSON.stringify(blobs),
        description,
        created_at: new Date().toISOString(),
        position: await nextPosition(trx, model),
        labels: JSON.stringify(labels),
        annotations: JSON.stringify(mergeAnnotations({}, annotations)),
        backbone_files: backboneFiles === undefined ? null : JSON.stringify(backboneFiles),
      })
    if (existing === undefined) await trx.insertInto('versions').values(row).execute()
    const isFirst = defaultVersion === undefined
    if (setDefault || isFirst) {
      const why = registration.why ?? (isFirst ? 'the first version' : 'when it was registered')
      await changeDefault(trx, model, {
        kind: 'set',
        to: row.name,
        why,
        ...(who === undefined ? {} : { who }),
        ...(tookMs === undefined ? {} : { tookMs }),
      })
    }
    return row
  })
  return toVersion(row, store.location)
}

function idOf(files: ReadonlyMap<string, Uint8Array>): string {
  const manifest = files.get('bundle.json')
  if (manifest !== undefined) return sha256(manifest)
  throw new VergerError(
    'bundle_incomplete',
    `Expected a bundle with bundle.json, received ${[...files.keys()].join(', ') || 'no file'}`,
    { hint: 'verger train DATASET --out DIR writes a bundle.' },
  )
}

function findExisting(
  db: Kysely<Schema>,
  model: string,
  version: string | undefined,
  bundle: string,
): Promise<VersionRow | undefined> {
  if (version !== undefined) return selectVersion(db, model, version)
  return db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('bundle', '=', bundle)
    .executeTakeFirst()
}

/** A name that the history does not know either, so that a name never stands for two bundles in it. */
async function nextName(db: Kysely<Schema>, model: string): Promise<string> {
  const versions = await db
    .selectFrom('versions')
    .select('name')
    .where('model', '=', model)
    .execute()
  const changes = await db
    .selectFrom('default_changes')
    .select('to_version as name')
    .where('model', '=', model)
    .execute()
  const numbers = [...versions, ...changes].map(({ name }) =>
    Number(/^v([0-9]{1,9})$/.exec(name ?? '')?.[1] ?? 0),
  )
  return `v${Math.max(0, ...numbers) + 1}`
}

async function nextPosition(db: Kysely<Schema>, model: string): Promise<number> {
  const { last } = await db
    .selectFrom('versions')
    .select(({ fn }) => fn.max('position').as('last'))
    .where('model', '=', model)
    .executeTakeFirstOrThrow()
  return (last ?? 0) + 1
}

/** A name stands for another bundle already. */
export function versionTaken(
  { model, name, bundle }: Pick<VersionRow, 'model' | 'name' | 'bundle'>,
  received: string,
): VergerError {
  return new VergerError(
    'version_exists',
    `Expected a new name for bundle ${received.slice(0, 12)}, ${model}/${name} is bundle ${bundle.slice(0, 12)}`,
    {
      hint: `Versions do not change: choose another name, or leave it out to get the next one (${model}).`,
      details: { model, version: name, bundle, received },
    },
  )
}
