/** Photos that requests name by URL: fetched only where the owner of the server allows it, and a few at a time. */
import type { Config } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import type { PublicNetwork } from '../download/fetch-public.ts'
import type { Holding } from './admission.ts'

/** Gives the bytes at a URL, which count as held by the request. Throws like `fetchPublic`. */
export type ReadUrl = (
  url: string,
  holding: Holding,
  signal: AbortSignal | undefined,
) => Promise<Uint8Array>

/** Nobody can make this server ask others for more than that many files at once. */
const MAX_AT_ONCE = 16
/** Shorter than a request may take, so that the photos beside a slow one are answered. */
const TIMEOUT_MS = 10_000

/** Gives what reads URLs; it throws `urls_off` where VERGER_ALLOW_URLS is not set. */
export function createUrlReader(
  { urlPorts: ports, limits }: Pick<Config, 'urlPorts' | 'limits'>,
  network?: PublicNetwork,
): ReadUrl {
  const timeoutMs = Math.min(TIMEOUT_MS, limits.deadlineMs)
  const inTurn = createTurns(MAX_AT_ONCE)
  return async (url, holding, signal) => {
    if (ports.length === 0) {
      throw new VergerError('urls_off', 'Expected the bytes of a photo, received a URL', {
        hint: 'Send the photo itself, or start the server with VERGER_ALLOW_URLS=80,443.',
      })
    }
    return inTurn(async () => {
      // Most servers never fetch, and the client of HTTP is large.
      const { fetchPublic } = await import('../download/fetch-public.ts')
      return fetchPublic(url, {
        ...{ maxBytes: limits.photoBytes, timeoutMs, ports, signal },
        onBytes: (count) => holding.take(count),
        ...(network === undefined ? {} : { network }),
      })
    })
  }
}

/** Lets at most so many works run at once, in the order in which they came. */
function createTurns(most: number) {
  let free = most
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
