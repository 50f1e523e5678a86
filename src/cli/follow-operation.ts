/** Waits for work that goes on elsewhere, and says how far it is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_CATALOGUE, type ErrorCode, VergerError } from '../core/errors.ts'
import type { CreateProgress } from '../deployment/create-version.ts'
import type { OperationDescription } from '../registry/operation.ts'
import type { CreateNarrator } from './models-api.ts'
import type { OperationsApi } from './operations-api.ts'

/** Most versions are made within a moment. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000
/** How long a server may be away, to be started again, before nobody waits for it any more. */
const AWAY_MS = 60_000

type Told = Pick<OperationDescription, 'id' | 'lines'>

/**
 * Resolves once an operation is done. Throws the error that it failed with, `operation_cancelled`, and what the API throws.
 * On the first SIGINT it says how to come back to the operation or to end it, and lets the signal end the process.
 */
export async function followOperation(
  api: OperationsApi,
  started: Pick<OperationDescription, 'id'>,
  narrator: Pick<CreateNarrator, 'onProgress' | 'onNote' | 'onLeave'>,
): Promise<OperationDescription> {
  const { id } = started
  const leave = () => {
    narrator.onLeave(
      `${id} goes on. verger operations wait ${id}${api.option} waits for it, verger operations cancel ${id}${api.option} ends it.`,
    )
    process.kill(process.pid, 'SIGINT')
  }
  process.once('SIGINT', leave)
  try {
    let told = 0
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const operation = await getPatiently(api, id)
      if (operation.progress !== undefined) {
        narrator.onProgress?.(operation.progress as CreateProgress)
      }
      told = tellNotes(operation, told, narrator)
      if (operation.state !== 'running') return requireDone(operation)
      await sleep(pauseMs)
    }
  } finally {
    process.off('SIGINT', leave)
  }
}

/** Passes on what a person should know of the lines that are new; gives how many there are. */
function tellNotes(
  { lines }: Told,
  told: number,
  { onNote }: Pick<CreateNarrator, 'onNote'>,
): number {
  for (const { severity, message } of lines.slice(told)) {
    if (severity === 'NOTICE' || severity === 'WARNING') onNote?.(message)
  }
  return lines.length
}

/** A server that is started again comes back with its operations. */
async function getPatiently(api: OperationsApi, id: string): Promise<OperationDescription> {
  const startMs = performance.now()
  for (;;) {
    try {
      return await api.getOperation(id)
    } catch (error) {
      const isAway = error instanceof VergerError && error.code === 'server_unreachable'
      if (!isAway || performance.now() - startMs > AWAY_MS) throw error
      await sleep(LONGEST_PAUSE_MS)
    }
  }
}

function requireDone(operation: OperationDescription): OperationDescription {
  const { id, kind, state, error } = operation
  if (state === 'done') return operation
  if (error === undefined) {
    throw new VergerError(
      'operation_cancelled',
      `Expected ${kind} to be done, ${id} was cancelled`,
      { hint: 'Ask for it again.' },
    )
  }
  const { code, message, hint } = error
  const isKnown = Object.hasOwn(ERROR_CATALOGUE, code)
  throw new VergerError(
    isKnown ? (code as ErrorCode) : 'server_failed',
    isKnown ? message : `${message} [${code}]`,
    hint === undefined ? {} : { hint },
  )
}
