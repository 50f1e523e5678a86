/** `fetch` for commands: through the proxies of the environment, and again where a server asks to wait. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EnvHttpProxyAgent, fetch } from 'undici'

export interface ServerFetch {
  (request: Request): Promise<Response>
  close(): Promise<void>
}

/** How often a request is sent before its last answer counts. */
const MAX_TRIES = 6
/** The first pause where the server does not name one; each further one is twice as long. */
const FIRST_PAUSE_MS = 500
/** Longer pauses than this are not waited for. */
const MAX_PAUSE_MS = 60_000

/** Statuses of a server that is well and asks to wait (RFC 9110, section 15.6.4; RFC 6585, section 4). */
const ASKS_TO_WAIT: ReadonlySet<number> = new Set([429, 503])

/** Methods whose requests may arrive twice (RFC 9110, section 9.2.2). */
const MAY_REPEAT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT'])

export function createServerFetch(): ServerFetch {
  const dispatcher = new EnvHttpProxyAgent()
  const send = async (request: Request): Promise<Response> => {
    const { method, url, signal } = request
    const body = request.body === null ? null : await request.arrayBuffer()
    const headers = Object.fromEntries(request.headers)
    // A photo may be asked about twice.
    const mayRepeat = MAY_REPEAT.has(method) || new URL(url).pathname.endsWith('/predict')
    for (let tries = 1; ; tries++) {
      try {
        const options = { method, headers, body, signal, redirect: 'manual', dispatcher } as const
        const response = (await fetch(url, options)) as unknown as Response
        const pauseMs = pauseOf(response, tries)
        if (!ASKS_TO_WAIT.has(response.status) || tries === MAX_TRIES || pauseMs > MAX_PAUSE_MS) {
          return response
        }
        await response.body?.cancel()
        await sleep(pauseMs, undefined, { signal })
      } catch (error) {
        if (!mayRepeat || tries === MAX_TRIES || !isCut(error)) throw error
        await sleep(jittered(FIRST_PAUSE_MS), undefined, { signal })
      }
    }
  }
  return Object.assign(send, { close: () => dispatcher.close() })
}

/** Seconds or a date (RFC 9110, section 10.2.3), and where the server says nothing twice as long as before. */
function pauseOf({ headers }: Response, tries: number): number {
  const named = headers.get('retry-after')
  if (named === null) return jittered(FIRST_PAUSE_MS * 2 ** (tries - 1))
  const ms = /^\d+$/.test(named) ? Number(named) * 1000 : Date.parse(named) - Date.now()
  // Not earlier than asked, and not all at once.
  return Number.isNaN(ms) ? jittered(FIRST_PAUSE_MS) : Math.max(0, ms) + Math.random() * 250
}

const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2)

/** Whether a connection that stood was cut, by a server that restarts for example. */
function isCut(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: string } }
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(cause?.code ?? '')
}
