/** Opens the server on an address and closes it again without losing a request. */
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { BlockList, isIP, Server as NetServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import type { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Config, Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import type { GrpcOptions, GrpcServer } from './grpc/open-grpc-server.ts'
import { openApp } from './open-app.ts'
import { openTlsFiles, type TlsFiles } from './tls-files.ts'

export interface ListenOptions {
  readonly config: Config
  readonly host: string
  readonly port: number
  /** Where the Open Inference Protocol is spoken over gRPC; nowhere without it. */
  readonly grpcPort?: number | undefined
}

export interface RunningServer {
  /** Where a browser finds it. */
  readonly url: string
  /** Port of gRPC, where that is spoken. */
  readonly grpcPort: number | undefined
  /** Refuses new requests, answers those that are here, ends the workers. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Starts the server and waits until its workers have loaded the network.
 * Throws `address_needs_token`, `address_in_use`, or an error of the backbone or of the registry.
 */
export async function listen({
  config,
  host,
  port,
  grpcPort,
}: ListenOptions): Promise<RunningServer> {
  const isLocal = isLoopback(host)
  const logger = pino({ level: config.logLevel }, pino.destination({ fd: 2, sync: false }))
  const tls = config.tls === undefined ? undefined : await openTlsFiles(config.tls, logger)
  const stopping = new AbortController()
  const { signal } = stopping
  const opened = await openApp(config, logger, { tls, isLocal, stopping: signal }).catch(
    (error: unknown) => {
      tls?.close()
      throw error
    },
  )
  const close = async () => {
    tls?.close()
    await opened.close()
  }
  let grpc: GrpcServer | undefined
  try {
    const { app, warming, authenticator } = opened
    if (!isLocal && !(await authenticator.isGuarded())) throw needsToken(host)
    const connections = trackConnections(app.server)
    if (tls !== undefined) takeRenewals(app, tls)
    await bind(app, host, port)
    if (grpcPort !== undefined) {
      grpc = await openGrpc({ ...app.services, warming, logger, tls, host, port: grpcPort })
    }
    await warming
    let closing: Promise<void> | undefined
    return {
      url: urlOf(app, host, tls === undefined ? 'http' : 'https'),
      grpcPort: grpc?.port,
      close() {
        stopping.abort()
        closing ??= Promise.all([grpc?.close(), drain(app, connections, config.limits)]).then(close)
        return closing
      },
    }
  } catch (error) {
    await grpc?.close()
    await close()
    throw error
  }
}

/** Imported only here: most servers speak HTTP alone. */
async function openGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const { openGrpcServer } = await import('./grpc/open-grpc-server.ts')
  return openGrpcServer(options)
}

/** The open connections of a server, and those of them on which a request is being answered. */
interface Connections {
  /** By address and port of the other side. */
  readonly open: ReadonlyMap<string, Socket>
  readonly busy: ReadonlySet<Socket>
}

function trackConnections(server: Server): Connections {
  const open = new Map<string, Socket>()
  const busy = new Set<Socket>()
  // After its handshake a connection of TLS comes again, as the socket under which its requests come.
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => {
      const peer = `${socket.remoteAddress} ${socket.remotePort}`
      open.set(peer, socket)
      socket.once('close', () => open.delete(peer))
    })
  }
  server.on('request', ({ socket }, response) => {
    busy.add(socket)
    response.once('close', () => busy.delete(socket))
  })
  return { open, busy }
}

/** New connections get the newest pair; SIGHUP says that there is one, for those who do not want to wait. */
function takeRenewals(app: FastifyInstance, tls: TlsFiles): void {
  tls.onChange((pair) => (app.server as unknown as TlsServer).setSecureContext(pair))
  const reload = () => void tls.reload()
  process.on('SIGHUP', reload)
  app.server.once('close', () => process.off('SIGHUP', reload))
}

/** How often connections are looked over while the server closes. */
const SILENCE_CHECK_MS = 100
/** Looks in a row at which a connection without a request was silent: together longer than a request is on its way. */
const SILENT_LOOKS = 5

/**
 * Lets everybody end who is connected, before Node closes what it takes for idle: a client that has just had an answer may
 * have sent its next request already. No further connection is accepted; each answer says that it is the last one of its
 * connection; a connection that stays silent ends, also one without a byte, as browsers keep in stock.
 */
async function drain(
  { server }: FastifyInstance,
  { open, busy }: Connections,
  { receiveTimeoutMs, deadlineMs }: Limits,
): Promise<void> {
  // Those that the system has accepted already are taken in before the others are refused.
  await setImmediate()
  // Unlike `close` of an HTTP server, that of its ancestor closes no connection.
  const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve))
  // Looks are counted and no time, because a busy machine may leave bytes unread for longer than that.
  const silent = new Map<Socket, { readonly bytes: number; readonly looks: number }>()
  const endSilent = setInterval(() => {
    for (const socket of open.values()) {
      const { bytesRead: bytes } = socket
      const last = silent.get(socket)
      const looks = busy.has(socket) || last?.bytes !== bytes ? 0 : last.looks + 1
      if (looks < SILENT_LOOKS) silent.set(socket, { bytes, looks })
      else socket.destroy()
    }
  }, SILENCE_CHECK_MS)
  const endAll = setTimeout(() => server.closeAllConnections(), receiveTimeoutMs + deadlineMs)
  await closed
  clearInterval(endSilent)
  clearTimeout(endAll)
}

async function bind(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port, backlog: 1024 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new VergerError(
        'address_in_use',
        `Expected ${host}:${port} to be free, another process listens there`,
        { hint: 'Choose another port: verger up --port 0 takes any free one.', cause: error },
      )
    }
    throw new VergerError(
      'address_unusable',
      `Expected to listen on ${host}:${port}, received ${message}`,
      {
        hint: 'Use an address of this machine, and a port from 1024 on.',
        cause: error,
      },
    )
  }
}

/** Loopback addresses: RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3. */
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

const needsToken = (host: string): VergerError =>
  new VergerError(
    'address_needs_token',
    `Expected a loopback address or a token, received ${host} and no token: anybody on the network could use the server`,
    {
      hint: 'Make a token (verger tokens create NAME --scope predict,read,manage), or set VERGER_TOKEN to a long random text.',
    },
  )

function urlOf(app: FastifyInstance, host: string, protocol: string): string {
  const { port, family } = app.server.address() as AddressInfo
  const shown = host === '0.0.0.0' || host === '::' ? networkAddress() : host
  return `${protocol}://${family === 'IPv6' && isIP(shown) === 6 ? `[${shown}]` : shown}:${port}`
}

/** Where others on the network find this machine. */
function networkAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return (
    addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? 'localhost'
  )
}
