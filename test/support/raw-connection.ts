/** A client that speaks TCP instead of HTTP: it sends what it is told, when it is told, however wrong. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RawConnection {
  readonly socket: Socket
  /** Everything that came back so far. */
  received(): string
  /** Resolves when the server has ended its side, with the one response it gave, or undefined where there is none. */
  readonly ended: Promise<RawResponse | undefined>
}

/** Connects to a server on loopback; the client's own side stays open until `socket.destroy()`. */
export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunks: Buffer[] = []
  const received = () => Buffer.concat(chunks).toString()
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A server may reset a connection that it has answered; what counts is what came before.
  const gone = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) socket.once(event, () => resolve())
  })
  await once(socket, 'connect')
  return { socket, received, ended: gone.then(() => parseResponse(received())) }
}

function parseResponse(text: string): RawResponse | undefined {
  const [head = '', body = ''] = text.split(/\r\n\r\n([\s\S]*)/)
  const [statusLine = '', ...lines] = head.split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(status), headers, body }
}

/** The head of `POST /predict` with a raw JPEG body of a stated length. */
export function predictHead(sizeBytes: number): string {
  return `POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/jpeg\r\ncontent-length: ${sizeBytes}\r\n\r\n`
}
