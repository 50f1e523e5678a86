/** Tries again what fails for a moment. */
import pRetry from 'p-retry'

/** Pauses grow from 0.1 to 3 s, so that about ten seconds without an answer are survived. */
const RETRIES = 6
const FIRST_PAUSE_MS = 100

/** Rejects with what was thrown last. */
export function retrying<Result>(
  work: () => Promise<Result>,
  isTransient: (error: unknown) => boolean,
): Promise<Result> {
  return pRetry(work, {
    retries: RETRIES,
    minTimeout: FIRST_PAUSE_MS,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error),
  })
}
