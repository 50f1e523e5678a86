/** A server on this machine that gives one file, the way that a test wants. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers one request; `count` is 0 for the first. */
export type FileHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  count: number,
) => unknown

export interface FileServer {
  /** `http://127.0.0.1:…/fruits.zip` */
  readonly url: string
  /** What the requests asked for in their Range header, in order; undefined where they had none. */
  readonly ranges: (string | undefined)[]
  close(): Promise<void>
}

export async function startFileServer(handler: FileHandler): Promise<FileServer> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    handler(request, response, ranges.length - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fruits.zip`,
    ranges,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export interface SendOptions {
  readonly etag?: string
  /** Bytes that are sent before the connection is cut. */
  readonly cutAfter?: number
  /** Bytes that are sent before nothing more is, while the connection stays open. */
  readonly stallAfter?: number
  /** What the headers say of the length of the body; by default the truth. */
  readonly statedLength?: number
}

/** Sends a file as a good server does: with an entity tag, and a part where Range and If-Range ask for one. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer,
  { etag = '"v1"', cutAfter, stallAfter, statedLength }: SendOptions = {},
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN)
  const isPart = !Number.isNaN(from) && (request.headers['if-range'] ?? etag) === etag
  if (isPart && from >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end()
    return
  }
  const body = isPart ? file.subarray(from) : file
  response.writeHead(isPart ? 206 : 200, {
    etag,
    'accept-ranges': 'bytes',
    'content-length': statedLength ?? body.length,
    ...(isPart ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
  })
  const sent = cutAfter ?? stallAfter
  if (sent === undefined) {
    response.end(body)
  } else {
    response.write(body.subarray(0, sent), () => {
      // Time for the bytes to arrive: a reset may overtake them.
      if (cutAfter !== undefined) setTimeout(() => response.destroy(), 50)
    })
  }
}
