/** One process at a time; the lock of a killed process is free after seconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { check, lock } from 'proper-lockfile'
import { toWriteError } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'

/** A holder that has not stirred for this long is dead. It stirs four times as often. */
const STALE_MS = 4000
const POLL_MS = 200

export interface LockOptions {
  /** Called once where another process holds the lock. */
  readonly onWait?: (() => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `work` while this process holds the lock `path`, whose folder must exist. `work` gets a signal that aborts where
 * the lock is lost, because the process slept for long, or where the caller's own signal does.
 */
export async function withLock<Result>(
  path: string,
  work: (signal: AbortSignal) => Promise<Result>,
  { onWait, signal }: LockOptions = {},
): Promise<Result> {
  const lost = new AbortController()
  const release = await acquire(path, lost, onWait, signal)
  try {
    return await work(signal === undefined ? lost.signal : AbortSignal.any([lost.signal, signal]))
  } finally {
    if (!lost.signal.aborted) await release().catch(() => {})
  }
}

/** Whether a process that lives holds the lock `path`. */
export const isLocked = (path: string): Promise<boolean> =>
  check(path, { lockfilePath: path, realpath: false, stale: STALE_MS })

async function acquire(
  path: string,
  lost: AbortController,
  onWait: (() => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<() => Promise<void>> {
  let isWaiting = false
  while (true) {
    signal?.throwIfAborted()
    try {
      return await lock(path, {
        lockfilePath: path,
        realpath: false,
        stale: STALE_MS,
        update: STALE_MS / 4,
        onCompromised: (cause) => lost.abort(lockLost(path, cause)),
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw toWriteError(error, path)
    }
    if (!isWaiting) onWait?.()
    isWaiting = true
    await sleep(POLL_MS, undefined, { signal })
  }
}

function lockLost(path: string, cause: Error): VergerError {
  return new VergerError(
    'write_failed',
    `Expected to keep the lock ${path}, another process took it`,
    {
      hint: 'This process slept for too long. Run the command again: it continues where it stopped.',
      cause,
    },
  )
}
