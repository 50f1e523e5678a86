/**
 * Runs operations beside the requests that asked for them, and those that a server left behind when it ended.
 *
 * A runner says of each of its operations that it is there, every `beatMs`; what has been silent for `leaseMs` is taken
 * over by the next one that looks, on this machine or another. So work must come to the same end when it is begun again.
 */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { ERROR_CATALOGUE, toVergerError, VergerError } from '../core/errors.ts'
import type {
  Made,
  NewOperation,
  Operation,
  OperationFailure,
  OperationLine,
  OperationProgress,
  Outcome,
} from '../registry/operation.ts'
import { beat, endOperation, leaveOperation, takeAbandoned } from '../registry/operation-runs.ts'
import { addOperation, removeOperations } from '../registry/operations.ts'
import { removeExpiredStaged } from '../registry/staged-objects.ts'
import type { Store } from '../store/store.ts'
import type { HomeRegistry } from './home-registry.ts'

export interface WorkContext {
  /** Aborted once somebody cancels the operation, or the server closes. */
  readonly signal: AbortSignal
  /** Tells those who follow the operation how far it is. */
  readonly say: (message: string, severity?: OperationLine['severity']) => void
  readonly progress: (progress: OperationProgress) => void
}

/** Does what an operation says, and gives the name that it found for what it made. Rejects with the reason why it cannot. */
export type Work = (operation: Operation, context: WorkContext) => Promise<Made | undefined>

export interface OperationRunner {
  /** Takes over what servers that ended have left behind, now and from now on. */
  follow(): void
  /** Keeps an operation and begins it. Throws `operation_running`. */
  start(store: Store, operation: NewOperation): Promise<Operation>
  /** Resolves when an operation of this runner has ended, or after some milliseconds. */
  wait(id: string, timeoutMs: number): Promise<void>
  /** Leaves what is under way to the next server. */
  close(): Promise<void>
}

export interface OperationRunnerOptions {
  readonly home: Pick<HomeRegistry, 'find'>
  readonly work: Work
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly beatMs?: number
  readonly leaseMs?: number
}

const BEAT_MS = 2000
/** Several beats, so that a machine under load keeps its work. */
const LEASE_MS = 10_000
/** An operation whose servers ended this often is the likely reason for their end. */
const MAX_ATTEMPTS = 3
const DAY_MS = 24 * 60 * 60 * 1000
/** How long ended operations are listed. */
const KEPT_MS = 30 * DAY_MS
/** How often what is old is looked for. */
const CLEAN_MS = DAY_MS / 24
/** Lines beyond these are of no use to anybody who follows. */
const MAX_LINES = 200

interface Running {
  readonly operation: Operation
  readonly controller: AbortController
  readonly ended: Promise<void>
}

/** Opens a runner; the caller closes it. */
export function openOperationRunner({
  home,
  work,
  logger,
  beatMs = BEAT_MS,
  leaseMs = LEASE_MS,
}: OperationRunnerOptions): OperationRunner {
  const runner = randomUUID()
  const running = new Map<string, Running>()
  let isClosing = false
  let cleanedAtMs = 0

  function begin(store: Store, operation: Operation): void {
    const controller = new AbortController()
    const ended = run(store, operation, controller)
      .catch((error: unknown) => logger.error({ err: error, operation: operation.id }, 'operation'))
      .finally(() => running.delete(operation.id))
    running.set(operation.id, { operation, controller, ended })
  }

  async function run(
    store: Store,
    operation: Operation,
    controller: AbortController,
  ): Promise<void> {
    const lines: OperationLine[] = [...operation.lines]
    let progress: OperationProgress | undefined
    const say: WorkContext['say'] = (message, severity = 'INFO') => {
      if (lines.length < MAX_LINES) lines.push({ at: new Date().toISOString(), severity, message })
    }
    let isCancelled = operation.isCancelRequested
    const onBeat = async () => {
      const heard = await beat(store, operation, runner, { lines, progress })
      if (heard === undefined || heard.isCancelRequested) {
        isCancelled = heard?.isCancelRequested === true
        controller.abort()
      }
    }
    const timer = setInterval(() => {
      // A database that is busy now is asked again at the next beat.
      onBeat().catch((error: unknown) => logger.warn({ err: error }, 'operation beat'))
    }, beatMs)
    try {
      if (isCancelled) controller.abort()
      const outcome = await attempt(operation, {
        signal: controller.signal,
        say,
        progress: (now) => {
          progress = now
        },
      })
      if (isClosing && outcome.state !== 'done') {
        await leaveOperation(store, operation, runner)
      } else {
        const ended: Outcome =
          isCancelled && outcome.state === 'failed' ? { state: 'cancelled' } : outcome
        if (ended.state === 'failed') say(withHint(ended.error), 'ERROR')
        if (ended.state === 'cancelled') say('Cancelled.', 'WARNING')
        await endOperation(store, operation, runner, { ...ended, lines })
      }
    } finally {
      clearInterval(timer)
    }
  }

  async function attempt(operation: Operation, context: WorkContext): Promise<Outcome> {
    const { id, attempts } = operation
    try {
      if (attempts > MAX_ATTEMPTS) throw endedTooOften(operation)
      if (attempts > 1) {
        context.say(`The server that ran this ended; begun again (${attempts}).`, 'WARNING')
      }
      context.signal.throwIfAborted()
      return { state: 'done', made: await work(operation, context) }
    } catch (error) {
      const known = toVergerError(error)
      const isBug = known.code === 'internal' && !context.signal.aborted
      if (isBug) logger.error({ err: error, operation: id }, 'operation failed')
      return { state: 'failed', error: known.describe() }
    }
  }

  async function takeOver(): Promise<void> {
    const opened = await home.find()
    if (opened === undefined || isClosing) return
    const { store } = opened
    const silentSince = new Date(Date.now() - leaseMs)
    for (const operation of await takeAbandoned(store, runner, silentSince)) {
      logger.info({ operation: operation.id }, 'operation taken over')
      begin(store, operation)
    }
    if (Date.now() - cleanedAtMs < CLEAN_MS) return
    cleanedAtMs = Date.now()
    await removeOperations(store, new Date(cleanedAtMs - KEPT_MS))
    await removeExpiredStaged(store)
  }

  let looking: Promise<void> = Promise.resolve()
  const look = () => {
    looking = takeOver().catch((error: unknown) => {
      if (!isClosing) logger.warn({ err: error }, 'operations left behind')
    })
  }
  let lookTimer: NodeJS.Timeout | undefined

  return {
    follow() {
      look()
      lookTimer = setInterval(look, leaseMs / 3)
      lookTimer.unref()
    },
    async start(store, operation) {
      if (isClosing) {
        throw new VergerError('server_closing', 'Expected a running server, it is closing')
      }
      const added = await addOperation(store, operation, runner)
      begin(store, added)
      return added
    },
    async wait(id, timeoutMs) {
      const ended = running.get(id)?.ended
      if (ended === undefined) return
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs)
      })
      await Promise.race([ended, late]).finally(() => clearTimeout(timer))
    },
    async close() {
      isClosing = true
      clearInterval(lookTimer)
      await looking
      for (const { controller } of running.values()) controller.abort()
      await Promise.all([...running.values()].map(({ ended }) => ended))
    },
  }
}

const withHint = ({ message, hint }: OperationFailure): string =>
  hint === undefined ? message : `${message}. ${hint}`

function endedTooOften({ attempts, kind }: Operation): VergerError {
  const { meaning } = ERROR_CATALOGUE.operation_abandoned
  return new VergerError(
    'operation_abandoned',
    `Expected a server that lives until ${kind} is done, ${attempts - 1} ended while they ran it. ${meaning}`,
    { hint: 'Look into the log of the server for the reason, then ask for it again.' },
  )
}
