/** A TCP proxy between a client and a real server that fails as networks do, once for each fault that it is given. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What happens to one connection. */
export type ConnectionFault =
  /** Cut after so many bytes from the client, or from the server. */
  | { readonly cutUpAfter: number }
  | { readonly cutDownAfter: number }
  /** Nothing more from the server after so many bytes, and no end. */
  | { readonly stallDownAfter: number }
  /** Refused by something in between, as load balancers do. */
  | { readonly status: number }
  /** Bytes from the server at about this rate. */
  | { readonly bytesPerSecond: number }

export interface FaultyProxy {
  readonly port: number
  /** Lets the next connections fail, one after another, and cuts those that are open; further ones pass. */
  plan(...faults: readonly ConnectionFault[]): void
  /** How many faults have not happened. */
  readonly left: number
  /** Bytes from clients so far. */
  readonly bytesUp: number
  close(): Promise<void>
}

export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  let faults: ConnectionFault[] = []
  let bytesUp = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const fault = faults.shift()
    if (fault !== undefined && 'status' in fault) return refuse(client, fault.status)
    const target = connect(targetPort, '127.0.0.1')
    client.on('data', ({ length }) => {
      bytesUp += length
    })
    const cut = () => {
      client.destroy()
      target.destroy()
    }
    for (const socket of [client, target]) {
      open.add(socket)
      socket.on('error', cut).on('close', () => {
        open.delete(socket)
        cut()
      })
    }
    forward(
      client,
      target,
      fault !== undefined && 'cutUpAfter' in fault ? fault.cutUpAfter : Number.POSITIVE_INFINITY,
      cut,
    )
    if (fault !== undefined && 'stallDownAfter' in fault)
      stall(target, client, fault.stallDownAfter)
    else if (fault !== undefined && 'bytesPerSecond' in fault)
      slow(target, client, fault.bytesPerSecond)
    else {
      const after =
        fault !== undefined && 'cutDownAfter' in fault
          ? fault.cutDownAfter
          : Number.POSITIVE_INFINITY
      forward(target, client, after, cut)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    plan(...planned) {
      faults = [...planned]
      for (const socket of open) socket.destroy()
    },
    get left() {
      return faults.length
    },
    get bytesUp() {
      return bytesUp
    },
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Passes bytes on, and cuts behind the last one that may pass. */
function forward(from: Socket, to: Socket, bytes: number, cut: () => void): void {
  let left = bytes
  from.on('data', (piece) => {
    const passed = piece.subarray(0, left)
    left -= passed.length
    if (!to.write(passed)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
    if (left <= 0) setImmediate(cut)
  })
  from.on('end', () => to.end())
}

function stall(from: Socket, to: Socket, bytes: number): void {
  let left = bytes
  from.on('data', (piece) => {
    const passed = piece.subarray(0, Math.max(0, left))
    left -= passed.length
    if (passed.length > 0) to.write(passed)
    // Otherwise the server would come to an end, and the client hear of it.
    if (left <= 0) from.pause()
  })
}

const TICK_MS = 5

function slow(from: Socket, to: Socket, bytesPerSecond: number): void {
  from.on('data', (piece) => {
    from.pause()
    to.write(piece)
    setTimeout(() => from.resume(), Math.max(TICK_MS, (1000 * piece.length) / bytesPerSecond))
  })
  from.on('end', () => to.end())
}

function refuse(client: Socket, status: number): void {
  client.on('error', () => {})
  client.once('data', () => {
    client.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
  })
}
