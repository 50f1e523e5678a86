/** SIGTERM while more requests come than can be answered: what was sent on an open connection has its answer. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { formOf, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { readMetrics } from '../support/prometheus.ts'
import { openConnection, predictHead } from '../support/raw-connection.ts'
import { serversLeft, startServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const PREDICT = Buffer.concat([Buffer.from(predictHead(photo.length)), photo])
const PROBE = Buffer.from('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')

/** Before SIGTERM, so that queues are long. */
const LOAD_MS = 1500
/** Far beyond what the queue of so many connections takes. */
const STOP_MS = 15_000

afterEach(() => {
  expect(serversLeft()).toEqual([])
})

interface Client {
  readonly request: Buffer
  /** Longest time between an answer and the next request, in which the connection is idle. */
  readonly pauseMs: number
}

interface Outcome {
  answered: number
  /** Statuses other than 200, and connections that ended with a request unanswered. */
  readonly failures: string[]
  refused: boolean
}

/**
 * Sends one request after another over one connection, and opens the next one where the server says that it closes. A
 * connection that ends before its first answer was none: the system takes it in before the server does.
 */
async function sendAlways(port: number, client: Client): Promise<Outcome> {
  const outcome: Outcome = { answered: 0, failures: [], refused: false }
  while (!outcome.refused) {
    const socket = await open(port)
    if (socket === undefined) outcome.refused = true
    else await sendOver(socket, client, outcome)
  }
  return outcome
}

function open(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

function sendOver(socket: Socket, { request, pauseMs }: Client, outcome: Outcome): Promise<void> {
  return new Promise((resolve) => {
    let received = ''
    let answers = 0
    let isWaiting = false
    const send = () => {
      if (socket.destroyed) return
      isWaiting = true
      socket.write(request)
    }
    socket.on('error', () => {})
    socket.once('close', () => {
      if (answers === 0) outcome.refused = true
      else if (isWaiting) outcome.failures.push(`closed after ${answers} answers`)
      resolve()
    })
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1])
      if (end < 0 || received.length < end + 4 + length) return
      const status = received.slice(9, 12)
      if (status === '200') outcome.answered++
      else outcome.failures.push(status)
      answers++
      isWaiting = false
      const isLast = /\r\nconnection: close\r\n/i.test(received)
      received = ''
      if (isLast) socket.end()
      else if (pauseMs === 0) send()
      else setTimeout(send, Math.random() * pauseMs)
    })
    send()
  })
}

/** Lets many clients ask, stops the server meanwhile, and tells what became of their requests. */
async function stopUnder(client: Client, connections: number) {
  const server = await startServer({ env: { VERGER_LOG_LEVEL: 'warn' } })
  const clients = Array.from({ length: connections }, () => sendAlways(server.port, client))
  await sleep(LOAD_MS)
  const startMs = performance.now()
  const exitCode = await server.stop()
  const stopMs = performance.now() - startMs
  const outcomes = await Promise.all(clients)
  const answered = outcomes.reduce((sum, each) => sum + each.answered, 0)
  return { exitCode, stopMs, answered, failures: outcomes.flatMap(({ failures }) => failures) }
}

describe('SIGTERM', () => {
  test('under more photos than can be answered fails none of them, and ends soon', async () => {
    const outcome = await stopUnder({ request: PREDICT, pauseMs: 0 }, 32)
    expect(outcome).toMatchObject({ exitCode: 0, failures: [] })
    expect(outcome.answered).toBeGreaterThan(32)
    expect(outcome.stopMs).toBeLessThan(STOP_MS)
  })

  test('fails no request that comes over a connection that was idle just now', async () => {
    const outcome = await stopUnder({ request: PROBE, pauseMs: 10 }, 100)
    expect(outcome).toMatchObject({ exitCode: 0, failures: [] })
    expect(outcome.answered).toBeGreaterThan(100)
    expect(outcome.stopMs).toBeLessThan(STOP_MS)
  })

  test('lets open connections hear that the server is not ready, while photos are answered', async () => {
    const server = await startServer()
    const form = formOf(Array.from({ length: 200 }, (_, index) => [`${index}.jpg`, photo]))
    const answering = predict(server.url, form)
    await vi.waitFor(
      async () =>
        expect((await readMetrics(server.url)).get('verger_photos_waiting')).toBeGreaterThan(50),
      { timeout: 5000, interval: 5 },
    )
    // Heads that are on their way are read to their end: probes over connections that were open before.
    const [ready, alive] = await Promise.all(
      ['/readyz', '/healthz'].map(async (path) => {
        const connection = await openConnection(server.port)
        connection.socket.write(`GET ${path} HTTP/1.1\r\n`)
        return connection
      }),
    )
    await sleep(100)
    const stopping = server.stop()
    await sleep(200)
    for (const connection of [ready, alive]) connection?.socket.write('host: 127.0.0.1\r\n\r\n')
    expect(await ready?.ended).toMatchObject({ status: 503, body: '{"status":"stopping"}' })
    expect(await alive?.ended).toMatchObject({ status: 200, headers: { connection: 'close' } })
    expect(predictionsOf(await answering)).toHaveLength(200)
    for (const connection of [ready, alive]) connection?.socket.destroy()
    expect(await stopping, server.stderr.join('\n')).toBe(0)
  })
})
