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
  /** `NOTICE` is what a person should know of the result. */
  readonly severity: 'INFO' | 'NOTICE' | 'WARNING' | 'ERROR'
  readonly message: string
}

/** How far work has come; bytes while files are on their way. */
export interface OperationProgress {
  readonly stage: string
  readonly doneBytes?: number
  readonly totalBytes?: number
}

/** Why an operation failed; the code is one of the error catalogue. */
export interface OperationFailure {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

export interface Operation {
  readonly id: string
  readonly kind: OperationKind
  readonly model: string
  /** Undefined where it is about the whole model, and until a new version has its name. */
  readonly version: string | undefined
  readonly state: OperationState
  /** All that is needed to run it again. */
  readonly input: Readonly<Record<string, unknown>>
  readonly error: OperationFailure | undefined
  /** ISO 8601. */
  readonly createdAt: string
  readonly startedAt: string | undefined
  readonly endedAt: string | undefined
  readonly isCancelRequested: boolean
  /** How many runners have begun it. */
  readonly attempts: number
  readonly lines: readonly OperationLine[]
  /** Undefined before it has begun to say so. */
  readonly progress: OperationProgress | undefined
}

export type NewOperation = Pick<Operation, 'kind' | 'model' | 'version' | 'input'>

/** How an operation ended. */
export type Outcome =
  | { readonly state: 'done'; readonly made?: Made | undefined }
  | { readonly state: 'cancelled' }
  | { readonly state: 'failed'; readonly error: OperationFailure }

/** What an operation made that had no name before. */
export interface Made {
  readonly version: string
}

export type OperationRow = Selectable<Schema['operations']>

/** What the column `annotations` holds. */
interface Notes {
  readonly attempts: number
  readonly lines: readonly OperationLine[]
  readonly progress?: OperationProgress | undefined
  readonly hint?: string | undefined
}

/** An operation as it is told: what it needs to be begun again is left out. */
export interface OperationDescription
  extends Pick<
    Operation,
    'id' | 'kind' | 'model' | 'state' | 'isCancelRequested' | 'attempts' | 'lines' | 'createdAt'
  > {
  /** Absent where it is about the whole model, and until a new version has its name. */
  readonly version?: string
  /** While it is under way. */
  readonly progress?: OperationProgress
  readonly error?: OperationFailure
  readonly endedAt?: string
}

export function describeOperation(operation: Operation): OperationDescription {
  const { id, kind, model, version, state, progress, error } = operation
  const { isCancelRequested, attempts, lines, createdAt, endedAt } = operation
  return {
    ...{ id, kind, model },
    ...(version === undefined ? {} : { version }),
    state,
    ...(progress === undefined || state !== 'running' ? {} : { progress }),
    ...(error === undefined ? {} : { error }),
    ...{ isCancelRequested, attempts, lines, createdAt },
    ...(endedAt === undefined ? {} : { endedAt }),
  }
}

export function toOperation(row: OperationRow): Operation {
  const { attempts, lines, progress, hint } = readNotes(row)
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
        : {
            code: row.error_code,
            message: row.error_message ?? '',
            ...(hint === undefined ? {} : { hint }),
          },
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    isCancelRequested: row.cancel_requested === 1,
    attempts,
    lines,
    progress,
  }
}

export const readNotes = ({ annotations }: OperationRow): Notes => ({
  attempts: 1,
  lines: [],
  ...(JSON.parse(annotations) as Partial<Notes>),
})

export const writeNotes = (notes: Notes): string => JSON.stringify(notes)
