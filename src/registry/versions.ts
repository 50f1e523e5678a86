/** Versions: bundles under the name of a model. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { registryDamaged } from '../store/registry-damaged.ts'
import type { Schema, VersionRow } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { changeDefault } from './change-default.ts'
import { lockModel, requireModel } from './models.ts'
import { nearestName } from './names.ts'
import type { Deletion, Precondition, Version, VersionSettings } from './registry.ts'
import { checkSettings, mergeAnnotations, parseObject, requireMatch } from './settings.ts'

export async function listVersions({ db, location }: Store, model: string): Promise<Version[]> {
  await requireModel(db, model)
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .orderBy('position', 'desc')
    .execute()
  return rows.map((row) => toVersion(row, location))
}

export async function resolveVersion(
  { db, location }: Store,
  model: string,
  version?: string,
): Promise<Version> {
  const row = await (version === undefined
    ? selectDefault(db, model)
    : selectVersion(db, model, version))
  if (row !== undefined) return toVersion(row, location)
  if (version !== undefined) throw await unknownVersion(db, model, version)
  await requireModel(db, model)
  throw new VergerError('model_has_no_version', `Expected a version of ${model}, it has none`, {
    hint: `verger versions create ${model}/v1 --from DIR, or verger train DATASET --register ${model}`,
    details: { model },
  })
}

export async function deleteVersion(
  store: Store,
  model: string,
  version: string,
  { dryRun = false, ...change }: Deletion = {},
): Promise<void> {
  await store.write(async (trx) => {
    const { defaultVersion, versions, canary, shadow } = await lockModel(trx, model)
    await requireVersion(trx, model, version)
    if (canary?.version === version) throw inUse(model, version, 'canary')
    if (shadow === version) throw inUse(model, version, 'shadow')
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

export async function updateVersion(
  store: Store,
  model: string,
  version: string,
  settings: VersionSettings,
  { ifMatch }: Precondition = {},
): Promise<Version> {
  checkSettings(settings)
  return store.write(async (trx) => {
    await lockModel(trx, model)
    const row = await requireVersion(trx, model, version)
    requireMatch(`version ${model}/${version}`, row.seal, ifMatch)
    const before = toVersion(row, store.location)
    const after = sealed({
      ...row,
      description: settings.description ?? before.description,
      labels: JSON.stringify(settings.labels ?? before.labels),
      annotations: JSON.stringify(mergeAnnotations(before.annotations, settings.annotations)),
    })
    await trx
      .updateTable('versions')
      .set(after)
      .where('model', '=', model)
      .where('name', '=', version)
      .execute()
    return toVersion(after, store.location)
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

/** Rejects with `version_unknown` or `model_unknown`. */
export async function requireVersion(
  db: Kysely<Schema>,
  model: string,
  version: string,
): Promise<VersionRow> {
  const row = await selectVersion(db, model, version)
  if (row === undefined) throw await unknownVersion(db, model, version)
  return row
}

/** Throws `registry_damaged` where the row contradicts itself. */
export function toVersion(row: VersionRow, location: string): Version {
  const files = parseFiles(row.files)
  if (files?.['bundle.json'] !== row.bundle) {
    throw registryDamaged(
      location,
      `a version ${row.model}/${row.name} that is not the bundle it names`,
    )
  }
  return {
    model: row.model,
    name: row.name,
    bundle: row.bundle,
    files,
    description: row.description,
    labels: parseObject(row.labels),
    annotations: parseObject(row.annotations),
    backboneFiles: row.backbone_files === null ? undefined : parseObject(row.backbone_files),
    etag: row.seal,
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

function inUse(model: string, version: string, as: 'canary' | 'shadow'): VergerError {
  return new VergerError(
    'version_in_use',
    `Expected a version of ${model} that is on no trial, received its ${as} ${version}`,
    {
      hint: `End the trial first: verger versions ${as} ${model} --off`,
      details: { model, version, as },
    },
  )
}
