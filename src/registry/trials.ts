/** Versions on trial: a canary, which answers a share of the requests, and a shadow, which is compared and never answers. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { recordChange } from './change-default.ts'
import { lockModel, requireModel, updateModelRow } from './models.ts'
import type { Canary, Change, Model } from './registry.ts'
import { requireVersion } from './versions.ts'

export async function setCanary(
  store: Store,
  model: string,
  canary: Canary | undefined,
  change: Change = {},
): Promise<Model> {
  const { version, percent } = canary ?? {}
  return store.write(async (trx) => {
    const before = await lockModel(trx, model)
    if (version !== undefined) await requireCandidate(trx, before, version)
    if (percent !== undefined && !(Number.isInteger(percent) && percent >= 1 && percent <= 99)) {
      throw new VergerError(
        'canary_invalid',
        `Expected a share of the requests as a whole number from 1 to 99 %, received ${percent}`,
        {
          hint: 'For all of them switch the default; for none end the trial.',
          details: { model, percent },
        },
      )
    }
    const { canary: old } = before
    if (old?.version === version && old?.percent === percent) return before
    await updateModelRow(trx, model, {
      canary_version: version ?? null,
      canary_percent: percent ?? null,
    })
    const share = percent === undefined ? {} : { percent }
    const versions = { from: old?.version ?? null, to: version ?? null }
    await recordChange(trx, model, { ...change, ...share, ...versions, kind: 'canary' })
    return requireModel(trx, model)
  })
}

export async function setShadow(
  store: Store,
  model: string,
  version: string | undefined,
  change: Change = {},
): Promise<Model> {
  return store.write(async (trx) => {
    const before = await lockModel(trx, model)
    if (version !== undefined) await requireCandidate(trx, before, version)
    if (before.shadow === version) return before
    await updateModelRow(trx, model, { shadow_version: version ?? null })
    const versions = { from: before.shadow ?? null, to: version ?? null }
    await recordChange(trx, model, { ...change, ...versions, kind: 'shadow' })
    return requireModel(trx, model)
  })
}

/** A version beside the default. */
async function requireCandidate(
  db: Kysely<Schema>,
  { name, defaultVersion }: Model,
  version: string,
): Promise<void> {
  await requireVersion(db, name, version)
  if (version !== defaultVersion) return
  throw new VergerError(
    'canary_invalid',
    `Expected a version of ${name} that does not answer yet, received its default ${version}`,
    { hint: `verger versions list ${name}`, details: { model: name, version } },
  )
}
