/** What a runner of operations tells the registry, and takes from it. */
import type { Store } from '../store/store.ts'
import {
  type Operation,
  type OperationLine,
  type OperationProgress,
  type Outcome,
  readNotes,
  toOperation,
  writeNotes,
} from './operation.ts'

/** What an operation has to tell while it runs. */
export interface Told {
  readonly lines: readonly OperationLine[]
  readonly progress?: OperationProgress | undefined
}

/** Says that `runner` is still at it. Gives what it must know, or undefined where another runner has taken over. */
export async function beat(
  { db }: Store,
  { id, attempts }: Operation,
  runner: string,
  told: Told,
): Promise<{ readonly isCancelRequested: boolean } | undefined> {
  const row = await db
    .updateTable('operations')
    .set({
      runner_seen_at: new Date().toISOString(),
      annotations: writeNotes({ attempts, ...told }),
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
  outcome: Outcome & Pick<Told, 'lines'>,
): Promise<void> {
  const error = outcome.state === 'failed' ? outcome.error : undefined
  const made = outcome.state === 'done' ? outcome.made : undefined
  await db
    .updateTable('operations')
    .set({
      state: outcome.state,
      error_code: error?.code ?? null,
      error_message: error?.message ?? null,
      ended_at: new Date().toISOString(),
      annotations: writeNotes({ attempts, lines: outcome.lines, hint: error?.hint }),
      ...(made === undefined ? {} : { version: made.version }),
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
