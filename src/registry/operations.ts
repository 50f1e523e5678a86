/** The operations of a registry, for those who ask for them and follow them. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { moveRevision } from '../store/move-revision.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import {
  type NewOperation,
  type Operation,
  type OperationRow,
  toOperation,
  writeNotes,
} from './operation.ts'

/**
 * Keeps an operation that `runner` begins now. Throws `operation_running` where another one is under way on the same
 * version, or where either concerns the whole model.
 */
export async function addOperation(
  store: Store,
  operation: NewOperation,
  runner: string,
): Promise<Operation> {
  const { model } = operation
  return store.write(async (trx) => {
    // Holds the row that every writer wants, so that two servers cannot both find nothing under way.
    await moveRevision(trx)
    const running = await trx
      .selectFrom('operations')
      .selectAll()
      .where('state', '=', 'running')
      .where('model', '=', model)
      .execute()
    const other = running.map(toOperation).find((each) => collide(each, operation))
    if (other !== undefined) throw isRunning(other)
    const now = new Date()
    const row: OperationRow = {
      ...(await newRow(trx, operation, now)),
      runner,
      runner_seen_at: now.toISOString(),
    }
    await trx.insertInto('operations').values(row).execute()
    return toOperation(row)
  })
}

type Subject = Pick<Operation, 'kind' | 'version'>

/** A version that has no name yet is in nobody's way but in that of what is done to the whole model. */
const isOfModel = ({ kind, version }: Subject): boolean =>
  version === undefined && kind !== 'create_version'

const collide = (one: Subject, other: Subject): boolean =>
  isOfModel(one) || isOfModel(other) || (one.version !== undefined && one.version === other.version)

/** Keeps an operation that is done already, for those who ask what became of it. */
export async function recordOperation(store: Store, operation: NewOperation): Promise<Operation> {
  return store.write(async (trx) => {
    const now = new Date()
    const row: OperationRow = {
      ...(await newRow(trx, operation, now)),
      state: 'done',
      ended_at: now.toISOString(),
    }
    await trx.insertInto('operations').values(row).execute()
    return toOperation(row)
  })
}

async function newRow(
  db: Kysely<Schema>,
  { kind, model, version, input }: NewOperation,
  now: Date,
): Promise<OperationRow> {
  return {
    id: await freeId(db, [kind.split('_')[0], model, version], now),
    kind,
    model,
    version: version ?? null,
    state: 'running',
    input: JSON.stringify(input),
    error_code: null,
    error_message: null,
    created_at: now.toISOString(),
    started_at: now.toISOString(),
    ended_at: null,
    cancel_requested: 0,
    runner: null,
    runner_seen_at: null,
    annotations: writeNotes({ attempts: 1, lines: [] }),
  }
}

/** `create_fruits_v1-1549384927123`: what it does, to what, and when. */
async function freeId(
  db: Kysely<Schema>,
  subject: readonly (string | undefined)[],
  now: Date,
): Promise<string> {
  for (let time = now.getTime(); ; time++) {
    const id = `${subject.filter((each) => each !== undefined).join('_')}-${time}`
    const taken = await db
      .selectFrom('operations')
      .select('id')
      .where('id', '=', id)
      .executeTakeFirst()
    if (taken === undefined) return id
  }
}

/** Throws `operation_unknown`. */
export async function getOperation({ db }: Store, id: string): Promise<Operation> {
  const row = await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst()
  if (row !== undefined) return toOperation(row)
  throw operationUnknown(id)
}

/** Nothing of this name was asked for, or it ended long ago. */
export function operationUnknown(id: string): VergerError {
  return new VergerError(
    'operation_unknown',
    `Expected the name of an operation, received ${JSON.stringify(id)}`,
    {
      hint: 'verger operations list shows them, and so does GET /api/operations; old ones are removed.',
    },
  )
}

/** The newest first, all or those of one model. */
export async function listOperations({ db }: Store, model?: string): Promise<Operation[]> {
  const all = db.selectFrom('operations').selectAll()
  const rows = await (model === undefined ? all : all.where('model', '=', model))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toOperation)
}

/** Throws `operation_running` where something is being done to a version, or to its whole model. */
export async function requireSettled(store: Store, model: string, version: string): Promise<void> {
  const running = (await listOperations(store, model)).find(
    (each) => each.state === 'running' && (isOfModel(each) || each.version === version),
  )
  if (running !== undefined) throw isRunning(running)
}

/** Asks an operation to end; one that has ended already stays as it is. Throws `operation_unknown`. */
export async function requestCancel(store: Store, id: string): Promise<void> {
  await getOperation(store, id)
  await store.db
    .updateTable('operations')
    .set({ cancel_requested: 1 })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute()
}

/** Forgets that a version could not be made, so that it is no longer listed. Gives whether there was anything. */
export async function forgetFailures(
  { db }: Store,
  model: string,
  version: string,
): Promise<boolean> {
  const forgotten = await db
    .deleteFrom('operations')
    .where('kind', '=', 'create_version')
    .where('model', '=', model)
    .where('version', '=', version)
    .where('state', 'in', ['failed', 'cancelled'])
    .returning('id')
    .execute()
  return forgotten.length > 0
}

/** Removes what ended before a time. */
export async function removeOperations({ db }: Store, endedBefore: Date): Promise<void> {
  await db
    .deleteFrom('operations')
    .where('state', '!=', 'running')
    .where('ended_at', '<', endedBefore.toISOString())
    .execute()
}

function isRunning({
  id,
  kind,
  model,
  version,
}: Pick<Operation, 'id' | 'kind' | 'model' | 'version'>): VergerError {
  const subject = version === undefined ? model : `${model}/${version}`
  return new VergerError(
    'operation_running',
    `Expected nothing else to be done to ${subject}, and ${kind} is under way (${id})`,
    {
      hint: `Wait until it is done, or: verger operations cancel ${id}`,
      details: { operation: id },
    },
  )
}
