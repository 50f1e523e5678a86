/**
 * Work that outlives the request that asked for it: kept before it begins, so that a server that ends in the middle leaves
 * it to another one.
 *
 *     running ─┬─▶ done
 *              ├─▶ failed
 *              └─▶ cancelled      (once `requestCancel` was heard)
 *
 * A running operation has a runner, which says again and again that it is there. One whose runner has been silent for
 * longer than a lease is taken over by whoever sees it first.
 */
import type { Kysely, Selectable } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { moveRevision } from '../store/move-revision.ts'
import type { OperationState, Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export const OPERATION_KINDS = [
  'create_version',
  'delete_version',
  'delete_model',
  'update_model',
  'update_version',
] as const
export type OperationKind = (typeof OPERATION_KINDS)[number]

/** One line of what an operation has to tell. */
export interface OperationLine {
  /** ISO 8601. */
  readonly at: string
  readonly severity: 'INFO' | 'WARNING' | 'ERROR'
  readonly message: string
}

export interface Operation {
  readonly id: string
  readonly kind: OperationKind
  readonly model: string
  readonly version: string | undefined
  readonly state: OperationState
  /** All that is needed to run it again. */
  readonly input: Readonly<Record<string, unknown>>
  /** Why it failed; the code is one of the error catalogue. */
  readonly error: { readonly code: string; readonly message: string } | undefined
  /** ISO 8601. */
  readonly createdAt: string
  readonly startedAt: string | undefined
  readonly endedAt: string | undefined
  readonly isCancelRequested: boolean
  /** How many runners have begun it. */
  readonly attempts: number
  readonly lines: readonly OperationLine[]
}

export type NewOperation = Pick<Operation, 'kind' | 'model' | 'version' | 'input'>

/** How an operation ended. */
export type Outcome =
  | { readonly state: 'done' | 'cancelled' }
  | {
      readonly state: 'failed'
      readonly error: { readonly code: string; readonly message: string }
    }

type Row = Selectable<Schema['operations']>

/** What the column `annotations` holds. */
interface Notes {
  readonly attempts: number
  readonly lines: readonly OperationLine[]
}

/**
 * Keeps an operation that `runner` begins now. Throws `operation_running` where another one is under way on the same
 * version, or on the model of one that concerns a whole model.
 */
export async function addOperation(
  store: Store,
  operation: NewOperation,
  runner: string,
): Promise<Operation> {
  const { model, version } = operation
  return store.write(async (trx) => {
    // Holds the row that every writer wants, so that two servers cannot both find nothing under way.
    await moveRevision(trx)
    const running = await trx
      .selectFrom('operations')
      .selectAll()
      .where('state', '=', 'running')
      .where('model', '=', model)
      .execute()
    const other = running.find(
      (row) => version === undefined || row.version === null || row.version === version,
    )
    if (other !== undefined) throw isRunning(other)
    const now = new Date()
    const row: Row = {
      ...(await newRow(trx, operation, now)),
      runner,
      runner_seen_at: now.toISOString(),
    }
    await trx.insertInto('operations').values(row).execute()
    return toOperation(row)
  })
}

/** Keeps an operation that is done already, for those who ask what became of it. */
export async function recordOperation(store: Store, operation: NewOperation): Promise<Operation> {
  return store.write(async (trx) => {
    const now = new Date()
    const row: Row = {
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
): Promise<Row> {
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
  throw new VergerError(
    'operation_unknown',
    `Expected the name of an operation, received ${JSON.stringify(id)}`,
    { hint: 'GET /v1/projects/P/operations lists them; old ones are removed.' },
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
    (each) => each.state === 'running' && (each.version === undefined || each.version === version),
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

/** Says that `runner` is still at it. Gives what it must know, or undefined where another runner has taken over. */
export async function beat(
  { db }: Store,
  { id, attempts }: Operation,
  runner: string,
  lines: readonly OperationLine[],
): Promise<{ readonly isCancelRequested: boolean } | undefined> {
  const row = await db
    .updateTable('operations')
    .set({
      runner_seen_at: new Date().toISOString(),
      annotations: writeNotes({ attempts, lines }),
    })
    .where('id', '=', id)
    .where('runner', '=', runner)
    .where('state', '=', 'running')
    .returning('cancel_requested')
    .executeTakeFirst()
  return row && { isCancelRequested: row.cancel_requested === 1 }
}

/** Keeps how an operation ended, unless another runner has taken it over. */
export async function endOperation(
  { db }: Store,
  { id, attempts }: Operation,
  runner: string,
  outcome: Outcome & { readonly lines: readonly OperationLine[] },
): Promise<void> {
  const error = outcome.state === 'failed' ? outcome.error : undefined
  await db
    .updateTable('operations')
    .set({
      state: outcome.state,
      error_code: error?.code ?? null,
      error_message: error?.message ?? null,
      ended_at: new Date().toISOString(),
      annotations: writeNotes({ attempts, lines: outcome.lines }),
    })
    .where('id', '=', id)
    .where('runner', '=', runner)
    .where('state', '=', 'running')
    .execute()
}

/** Leaves an operation to whoever comes next, at once: its server closes. */
export async function leaveOperation(
  { db }: Store,
  { id }: Operation,
  runner: string,
): Promise<void> {
  await db
    .updateTable('operations')
    .set({ runner_seen_at: null })
    .where('id', '=', id)
    .where('runner', '=', runner)
    .where('state', '=', 'running')
    .execute()
}

/** Takes over the operations whose runner has been silent since `silentSince` or has left them. */
export async function takeAbandoned(
  { db }: Store,
  runner: string,
  silentSince: Date,
): Promise<Operation[]> {
  const since = silentSince.toISOString()
  const abandoned = await db
    .selectFrom('operations')
    .selectAll()
    .where('state', '=', 'running')
    .where((each) =>
      each.or([each('runner_seen_at', 'is', null), each('runner_seen_at', '<', since)]),
    )
    .execute()
  const taken: Operation[] = []
  for (const row of abandoned) {
    const notes = readNotes(row)
    const mine = await db
      .updateTable('operations')
      .set({
        runner,
        runner_seen_at: new Date().toISOString(),
        annotations: writeNotes({ ...notes, attempts: notes.attempts + 1 }),
      })
      .where('id', '=', row.id)
      .where('state', '=', 'running')
      // Another server may have seen it at the same time.
      .where('runner', '=', row.runner)
      .where((each) =>
        each.or([each('runner_seen_at', 'is', null), each('runner_seen_at', '<', since)]),
      )
      .returningAll()
      .executeTakeFirst()
    if (mine !== undefined) taken.push(toOperation(mine))
  }
  return taken
}

/** Removes what ended before a time. */
export async function removeOperations({ db }: Store, endedBefore: Date): Promise<void> {
  await db
    .deleteFrom('operations')
    .where('state', '!=', 'running')
    .where('ended_at', '<', endedBefore.toISOString())
    .execute()
}

function toOperation(row: Row): Operation {
  const { attempts, lines } = readNotes(row)
  return {
    id: row.id,
    kind: row.kind as OperationKind,
    model: row.model,
    version: row.version ?? undefined,
    state: row.state,
    input: JSON.parse(row.input) as Readonly<Record<string, unknown>>,
    error:
      row.error_code === null
        ? undefined
        : { code: row.error_code, message: row.error_message ?? '' },
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    isCancelRequested: row.cancel_requested === 1,
    attempts,
    lines,
  }
}

const readNotes = ({ annotations }: Row): Notes => ({
  attempts: 1,
  lines: [],
  ...(JSON.parse(annotations) as Partial<Notes>),
})

const writeNotes = (notes: Notes): string => JSON.stringify(notes)

function isRunning({
  id,
  kind,
  model,
  version,
}: Pick<Row, 'id' | 'kind' | 'model'> & {
  readonly version?: string | null | undefined
}): VergerError {
  const subject = version ? `${model}/${version}` : model
  return new VergerError(
    'operation_running',
    `Expected nothing else to be done to ${subject}, and ${kind} is under way (${id})`,
    { hint: 'Wait until it is done, or cancel it.', details: { operation: id } },
  )
}
