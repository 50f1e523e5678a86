/** How `verger up` starts, what keeps it from starting, and how it ends. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { formOf, get, predict, predictAlone, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { readMetrics } from '../support/prometheus.ts'
import { openConnection, predictHead } from '../support/raw-connection.ts'
import { runProgram, serversLeft, startServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')

afterEach(() => {
  expect(serversLeft()).toEqual([])
})

const errorsOf = (stderr: readonly string[]) =>
  stderr.filter((line) => !(JSON.parse(line).level < 40))

describe('verger up', () => {
  test('prints its address as the one line of standard output', async () => {
    const server = await startServer()
    const ready = await get(`${server.url}/readyz`)
    expect(await server.stop()).toBe(0)
    expect(ready).toMatchObject({ status: 200, text: '{"status":"ready"}' })
  })

  test('without --json says where to look and why it stops', async () => {
    const port = await freePort()
    const running = runProgram(['up', '--port', String(port)], {}, async (child) => {
      await vi.waitFor(
        async () => expect((await get(`http://127.0.0.1:${port}/readyz`)).status).toBe(200),
        {
          timeout: 20_000,
        },
      )
      // The address is printed once the server is ready, an instant after /readyz says so.
      await sleep(200)
      child.kill('SIGINT')
    })
    const { exitCode, stdout } = await running
    expect(exitCode).toBe(0)
    expect(stdout).toEqual([
      `Verger is ready: open http://127.0.0.1:${port}`,
      'SIGINT: finishing the requests that are here',
    ])
  })

  test('refuses an address for everybody without a token', async () => {
    const { exitCode, stdout, stderr } = await runProgram([
      'up',
      '--port',
      '0',
      '--host',
      '0.0.0.0',
    ])
    expect(exitCode).toBe(2)
    expect(stdout).toEqual([])
    expect(stderr.join('\n')).toMatch(
      /^error Expected a loopback address or a token, received 0\.0\.0\.0.* \[address_needs_token\]\n {2}hint Make a token/,
    )
  })

  test.each(['::', '192.168.1.1', 'example.org'])(
    'refuses the address %s without a token',
    async (host) => {
      const { exitCode, stderr } = await runProgram(['up', '--port', '0', '--host', host])
      expect(exitCode).toBe(2)
      expect(stderr.join('\n')).toMatch(/\[address_needs_token\]/)
    },
  )

  test.each(['localhost', '127.0.0.2'])(
    'needs no token for the loopback address %s',
    async (host) => {
      const server = await startServer({ args: ['--host', host] })
      expect(await server.stop()).toBe(0)
    },
  )

  test('refuses a port that another process holds and says how to find another', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    const { exitCode, stderr } = await runProgram(['up', '--port', String(port)])
    holder.close()
    expect(exitCode).toBe(1)
    expect(stderr).toEqual([
      `error Expected 127.0.0.1:${port} to be free, another process listens there [address_in_use]`,
      '  hint Choose another port: verger up --port 0 takes any free one.',
    ])
  })

  test('refuses settings that it cannot use and names them all', async () => {
    const { exitCode, stderr } = await runProgram(['up', '--port', '0'], {
      VERGER_DEADLINE_MS: 'soon',
      VERGER_MAX_QUEUED_PHOTOS: '0',
    })
    expect(exitCode).toBe(2)
    expect(stderr.join('\n')).toMatch(
      /VERGER_DEADLINE_MS must be .* received 'soon'; VERGER_MAX_QUEUED_PHOTOS must be .* received '0' \[config_invalid\]/,
    )
  })
})

describe('SIGTERM', () => {
  test('lets a request that is being worked on have its answer', async () => {
    const server = await startServer()
    const form = formOf(Array.from({ length: 200 }, (_, index) => [`${index}.jpg`, photo]))
    const answering = predict(server.url, form)
    await vi.waitFor(
      async () =>
        expect((await readMetrics(server.url)).get('verger_photos_waiting')).toBeGreaterThan(50),
      { timeout: 5000, interval: 5 },
    )
    const stopping = server.stop()
    const predictions = predictionsOf(await answering)
    expect(predictions.filter(({ error }) => error === undefined)).toHaveLength(200)
    expect(await stopping).toBe(0)
    expect(errorsOf(server.stderr)).toEqual([])
  })

  test('lets a request that is still arriving have its answer, and refuses new connections', async () => {
    const server = await startServer()
    const { socket, ended } = await openConnection(server.port)
    socket.write(predictHead(photo.length))
    socket.write(photo.subarray(0, 1000))
    await sleep(100)
    const stopping = server.stop()
    await untilRefused(server.port)
    socket.write(photo.subarray(1000))
    const answer = await ended
    socket.destroy()
    expect(predictionsOf({ status: answer?.status ?? 0, text: answer?.body ?? '' })).toHaveLength(1)
    expect(await stopping).toBe(0)
    expect(errorsOf(server.stderr)).toEqual([])
  })

  test('ends connections that are kept alive and idle', async () => {
    const server = await startServer()
    await Promise.all(Array.from({ length: 20 }, () => get(`${server.url}/healthz`)))
    const startMs = performance.now()
    expect(await server.stop()).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(3000)
  })

  test('ends connections that never sent anything', async () => {
    const server = await startServer()
    const connections = await Promise.all(
      Array.from({ length: 5 }, () => openConnection(server.port)),
    )
    expect((await get(`${server.url}/healthz`)).status).toBe(200)
    const startMs = performance.now()
    expect(await server.stop()).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(3000)
    for (const { socket } of connections) socket.destroy()
  })

  test('waits for a client that never finishes no longer than a request may take', async () => {
    const server = await startServer({
      env: { VERGER_RECEIVE_TIMEOUT_MS: '1000', VERGER_DEADLINE_MS: '4000' },
    })
    const { socket } = await openConnection(server.port)
    socket.write(predictHead(photo.length))
    await sleep(100)
    const startMs = performance.now()
    const exitCode = await server.stop()
    socket.destroy()
    expect(exitCode).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(1000 + 4000 + 2000)
  })

  test('that comes while the server starts ends it as well', async () => {
    const { exitCode } = await runProgram(['up', '--port', '0', '--json'], {}, async (child) => {
      await once(child.stderr, 'data')
      child.kill('SIGTERM')
    })
    expect(exitCode).toBe(0)
  })

  test('a second time ends it at once', async () => {
    const server = await startServer()
    const { socket } = await openConnection(server.port)
    socket.write(predictHead(photo.length))
    await sleep(100)
    const stopping = server.stop()
    await sleep(200)
    server.process.kill('SIGTERM')
    await stopping
    expect(server.process.signalCode).toBe('SIGTERM')
    socket.destroy()
  })

  test('lets a request whose head is still arriving have its answer', async () => {
    const server = await startServer()
    const { socket, ended } = await openConnection(server.port)
    const head = predictHead(photo.length)
    socket.write(head.slice(0, 20))
    await sleep(100)
    const stopping = server.stop()
    await untilRefused(server.port)
    socket.write(head.slice(20))
    socket.write(photo)
    const answer = await ended
    socket.destroy()
    expect(predictionsOf({ status: answer?.status ?? 0, text: answer?.body ?? '' })).toHaveLength(1)
    expect(answer?.headers['connection']).toBe('close')
    expect(await stopping).toBe(0)
  })

  test('leaves nothing behind that answers', async () => {
    const server = await startServer()
    expect(await server.stop()).toBe(0)
    await expect(predictAlone(server.port, photo)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

afterAll(() => {
  expect(serversLeft()).toEqual([])
})

/** Waits until nobody listens on a port. */
async function untilRefused(port: number): Promise<void> {
  const refused = await openConnection(port).then(
    ({ socket }) => void socket.destroy(),
    (error: NodeJS.ErrnoException) => error.code,
  )
  if (refused === 'ECONNREFUSED') return
  await sleep(20)
  await untilRefused(port)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
