/** A server that speaks TLS, and takes a new certificate while it runs. */
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createPair, type TestPair } from '../support/certificates.ts'
import { predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { openConnection } from '../support/raw-connection.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const folder = mkdtempSync(join(tmpdir(), 'verger-tls-'))
const files = { VERGER_TLS_CERT: join(folder, 'cert.pem'), VERGER_TLS_KEY: join(folder, 'key.pem') }
const [first, second, third] = [createPair('first'), createPair('second'), createPair('third')]

/** As renewals do: each file whole, and one after the other. */
function write({ cert, key }: TestPair): void {
  for (const [file, text] of [
    [files.VERGER_TLS_CERT, cert],
    [files.VERGER_TLS_KEY, key],
  ] as const) {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
}

let server: TestServer
beforeAll(async () => {
  write(first)
  server = await startServer({ env: { ...files, VERGER_RECEIVE_TIMEOUT_MS: '1500' } })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  rmSync(folder, { recursive: true })
})

/** The name in the certificate that a new connection is shown. */
async function shownName(): Promise<string> {
  const socket = await openTls()
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

async function openTls(): Promise<TLSSocket> {
  const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  return socket
}

function predictOverTls({ cert }: TestPair): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/jpeg' }
    const options = { port: server.port, host: '127.0.0.1', path: '/predict', method: 'POST' }
    const sent = request({ ...options, headers, ca: cert, agent: false }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString()
      resolve({ status: response.statusCode ?? 0, text })
    })
    sent.once('error', reject).end(photo)
  })
}

test('answers those who trust its certificate', async () => {
  predictionsOf(await predictOverTls(first))
})

test('does not answer those who trust another', async () => {
  await expect(predictOverTls(second)).rejects.toThrow(/self.signed/)
})

test('survives who speaks plain HTTP to it, or nothing at all', async () => {
  const plain = await openConnection(server.port)
  plain.socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await plain.ended).toBeUndefined()
  const silent = await openConnection(server.port)
  await silent.ended
  for (const { socket } of [plain, silent]) socket.destroy()
  predictionsOf(await predictOverTls(first))
})

test('takes a renewed pair, and open connections keep the old one', async () => {
  const open = await openTls()
  write(second)
  await vi.waitFor(async () => expect(await shownName()).toBe('second'), { timeout: 8000 })
  predictionsOf(await predictOverTls(second))
  expect(open.getPeerCertificate().subject.CN).toBe('first')
  open.write('GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  expect(Buffer.concat(await open.toArray()).toString()).toMatch(/^HTTP\/1\.1 200/)
})

test('takes a renewed pair at once on SIGHUP', async () => {
  write(third)
  server.process.kill('SIGHUP')
  await vi.waitFor(async () => expect(await shownName()).toBe('third'), { timeout: 1000 })
})

test.each([
  ['a key of another certificate', { cert: first.cert, key: second.key }],
  ['no certificate', { cert: 'nothing', key: first.key }],
])('keeps the old pair beside %s, and says so once', async (_what, pair) => {
  const before = server.stderr.filter((line) => line.includes('certificate not renewed')).length
  write(pair)
  server.process.kill('SIGHUP')
  await sleep(2500)
  expect(await shownName()).toBe('third')
  const said = server.stderr.filter((line) => line.includes('certificate not renewed'))
  // The files are written one after the other, so the first may have been looked at alone.
  expect(said.length - before).toBeGreaterThanOrEqual(1)
  expect(said.length - before).toBeLessThanOrEqual(2)
  expect(said.join('\n')).not.toContain('BEGIN')
})

test('closes while a connection of TLS is open and silent', async () => {
  const open = await openTls()
  const startMs = performance.now()
  expect(await server.stop()).toBe(0)
  expect(performance.now() - startMs).toBeLessThan(5000)
  open.destroy()
})

test.each([
  [
    'a missing file',
    { ...files, VERGER_TLS_CERT: '/nowhere.pem' },
    /VERGER_TLS_CERT to name a file/,
  ],
  ['files that are no pair', files, /a certificate in .* and its own key in/],
])('does not start with %s', async (_what, env, message) => {
  const { exitCode, stderr } = await runProgram(['up', '--port', '0'], env)
  expect(exitCode).toBe(2)
  expect(stderr.join('\n')).toMatch(message)
})

test('is asked by commands that know who signed its certificate, and by no others', async () => {
  write(first)
  const own = await startServer({ env: files })
  try {
    const url = own.url.replace(/^http:/, 'https:')
    const list = ['models', 'list', '--server', url]
    const VERGER_HOME = join(folder, 'client')
    const refused = await runProgram(list, { VERGER_HOME })
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      [
        expect.stringMatching(
          /^error Expected a certificate that can be trusted from https:\/\/127.*, received .+ \[server_untrusted\]$/,
        ),
        '  hint Name the authority that signed it: NODE_EXTRA_CA_CERTS=ca.pem verger …',
      ],
    ])
    const trusted = { VERGER_HOME, NODE_EXTRA_CA_CERTS: files.VERGER_TLS_CERT }
    const listed = await runProgram(list, trusted)
    expect([listed.exitCode, listed.stderr.join('\n')]).toEqual([
      0,
      expect.stringContaining('There is no model yet.'),
    ])
    const plain = await runProgram(['models', 'list', '--server', url.replace('https:', 'http:')], {
      VERGER_HOME,
    })
    expect([plain.exitCode, plain.stderr.join('\n')]).toEqual([
      1,
      expect.stringContaining('https:'),
    ])
  } finally {
    await own.stop()
  }
})
