/** Versions: bundles under the name of a model. */
import { type Kysely, sql } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { Schema, VersionRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { registryDamaged } from '../store/store-error.ts'
import { changeDefault } from './change-default.ts'
import { requireModel } from './models.ts'
import { nearestName } from './names.ts'
import type { Deletion, Version } from './registry.ts'

export async function listVersions({ db, file }: Store, model: string): Promise<Version[]> {
  await requireModel(db, model)
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .orderBy(sql`rowid`, 'desc')
    .execute()
  return rows.map((row) => toVersion(row, file))
}

export async function resolveVersion(
  { db, file }: Store,
  model: string,
  version?: string,
): Promise<Version> {
  const row = await (version === undefined
    ? selectDefault(db, model)
    : selectVersion(db, model, version))
  if (row !== undefined) return toVersion(row, file)
  if (version !== undefined) throw await unknownVersion(db, model, version)
  await requireModel(db, model)
  throw new VergerError('model_has_no_version', `Expected a version of ${model}, it has none`, {
    hint: `verger versions create ${model}/v1 --from DIR, or verger train DATASET --register ${model}`,
    details: { model },
  })
}

export async function deleteVersion(
  { db }: Store,
  model: string,
  version: string,
  { dryRun = false, ...change }: Deletion = {},
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    if ((await selectVersion(trx, model, version)) === undefined) {
      throw await unknownVersion(trx, model, version)
    }
    const { defaultVersion, versions } = await requireModel(trx, model)
    if (defaultVersion === version) {
      if (versions > 1) throw isDefault(model, version)
      if (!dryRun) await changeDefault(trx, model, { kind: 'delete', to: null, ...change })
    }
    if (dryRun) return
    await trx
      .deleteFrom('versions')
      .where('model', '=', model)
      .where('name', '=', version)
      .execute()
  })
}

export async function readVersionFile(
  { blobs }: Store,
  { model, name, files }: Version,
  file: string,
): Promise<Uint8Array> {
  const sha256 = Object.hasOwn(files, file) ? files[file] : undefined
  if (sha256 !== undefined) return blobs.get(sha256)
  const found = Object.keys(files).join(', ')
  throw new VergerError(
    'version_file_unknown',
    `Expected a file ${JSON.stringify(file)} in ${model}/${name}, found ${found}`,
    { hint: `verger versions show ${model}/${name}`, details: { model, version: name, file } },
  )
}

/** The version that answers, by two primary keys. */
function selectDefault(db: Kysely<Schema>, model: string): Promise<VersionRow | undefined> {
  return db
    .selectFrom('models')
    .innerJoin('versions', (join) =>
      join
        .onRef('versions.model', '=', 'models.name')
        .onRef('versions.name', '=', 'models.default_version'),
    )
    .selectAll('versions')
    .where('models.name', '=', model)
    .executeTakeFirst()
}

export function selectVersion(
  db: Kysely<Schema>,
  model: string,
  version: string,
): Promise<VersionRow | undefined> {
  return db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('name', '=', version)
    .executeTakeFirst()
}

/** Throws `registry_damaged` where the row contradicts itself. */
export function toVersion(row: VersionRow, file: string): Version {
  const files = parseFiles(row.files)
  if (files?.['bundle.json'] !== row.bundle) {
    throw registryDamaged(
      file,
      `a version ${row.model}/${row.name} that is not the bundle it names`,
    )
  }
  return {
    model: row.model,
    name: row.name,
    bundle: row.bundle,
    files,
    description: row.description,
    createdAt: row.created_at,
  }
}

function parseFiles(json: string): Readonly<Record<string, string>> | undefined {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** `version_unknown` with the versions that exist; rejects with `model_unknown` where the model is the fault. */
export async function unknownVersion(
  db: Kysely<Schema>,
  model: string,
  version: string,
): Promise<VergerError> {
  await requireModel(db, model)
  const rows = await db.selectFrom('versions').select('name').where('model', '=', model).execute()
  const names = rows.map(({ name }) => name)
  const nearest = nearestName(version, names)
  return new VergerError(
    'version_unknown',
    `Expected a version of ${model}, received ${JSON.stringify(version)}; there is ${names.length === 0 ? 'none' : names.join(', ')}`,
    {
      hint:
        nearest === undefined
          ? `verger versions list ${model}`
          : `Did you mean ${model}/${nearest}?`,
      details: { model, version, versions: names },
    },
  )
}

function isDefault(model: string, version: string): VergerError {
  return new VergerError(
    'version_is_default',
    `Expected a version that does not answer for ${model}, received its default ${version}`,
    {
      hint: `Switch first: verger versions set-default ${model}/OTHER`,
      details: { model, version },
    },
  )
}
