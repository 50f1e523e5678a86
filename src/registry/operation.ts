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
import type { Selectable } from 'kysely'
import type { OperationState, Schema } from '../store/schema.ts'

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

export type OperationRow = Selectable<Schema['operations']>

/** What the column `annotations` holds. */
interface Notes {
  readonly attempts: number
  readonly lines: readonly OperationLine[]
}

export function toOperation(row: OperationRow): Operation {
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

export const readNotes = ({ annotations }: OperationRow): Notes => ({
  attempts: 1,
  lines: [],
  ...(JSON.parse(annotations) as Partial<Notes>),
})

export const writeNotes = (notes: Notes): string => JSON.stringify(notes)
