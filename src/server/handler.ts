/** The server as one function from Request to Response, for serverless platforms and other people's servers. */
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { pino } from 'pino'
import { type Config, readConfig } from '../core/config.ts'
import { type OpenApp, openApp } from './open-app.ts'

export interface Handler {
  /** Answers one request, as `verger up` would over the network. */
  (request: Request): Promise<Response>
  /** Ends the workers and closes the registry; the next request starts them again. */
  close(): Promise<void>
}

/** Bodies of these responses must be absent (https://fetch.spec.whatwg.org/#null-body-status). */
const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304])

/** Creates a handler. The network is loaded at the first request and kept for the following ones. */
export function createHandler(config: Config = readConfig()): Handler {
  let opening: Promise<OpenApp> | undefined

  const handle = async (request: Request): Promise<Response> => {
    opening ??= open(config).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    const { app } = await opening
    const url = new URL(request.url)
    const response = await app.inject({
      method: request.method as 'GET',
      url: url.pathname + url.search,
      headers: Object.fromEntries(request.headers),
      signal: request.signal,
      // Streamed, so that a body is read only once its head has been admitted.
      ...(request.body === null ? {} : { payload: Readable.fromWeb(request.body as WebStream) }),
    })
    const headers = new Headers()
    for (const [name, value] of Object.entries(response.headers)) {
      for (const each of [value].flat()) if (each !== undefined) headers.append(name, String(each))
    }
    const body = NULL_BODY_STATUSES.has(response.statusCode)
      ? null
      : new Uint8Array(response.rawPayload)
    return new Response(body, { status: response.statusCode, headers })
  }

  return Object.assign(handle, {
    async close() {
      const opened = await opening
      opening = undefined
      await opened?.close()
    },
  })
}

function open(config: Config): Promise<OpenApp> {
  return openApp(config, pino({ level: config.logLevel }, pino.destination({ fd: 2, sync: true })))
}
