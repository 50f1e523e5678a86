/** What outlives the request that asked for it, over our own API: versions that the server fetches itself. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addOperation } from '../../dist/registry/operations.js'
import { openStore } from '../../dist/store/store.js'
import { stage } from '../support/cloud-client.ts'
import { expectError, get, readAnswer } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'

let home: ModelHome
let server: TestServer
let bundle: ReadonlyMap<string, Uint8Array>
beforeAll(async () => {
  home = await createModelHome()
  server = await startServer({ env: { VERGER_HOME: home.path } })
  bundle = await createTinyBundle({ seed: 7 })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

async function ask(method: string, path: string, body?: unknown, url = server.url) {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return readAnswer(response)
}

const order = (model: string, body: object, url = server.url) =>
  ask('POST', `/api/models/${model}/versions`, body, url)

/** Asks until an operation has ended. */
async function ended(path: string, url = server.url) {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; ) {
    const operation = JSON.parse((await get(`${url}${path}`)).text)
    if (operation.state !== 'running') return operation
    await sleep(50)
  }
  throw new Error(`${path} did not end`)
}

/** As if another server had begun to make a version, which is then heard of no more. */
async function begunElsewhere(version: string): Promise<string> {
  const store = await openStore({ home: home.path })
  const input = { from: 'gs://elsewhere/m', facts: {}, who: 'ana' }
  const operation = { kind: 'create_version', model: 'fruits', version, input } as const
  const { id } = await addOperation(store, operation, 'another server')
  await store.close()
  return id
}

describe('a version of what lies in a bucket', () => {
  test('is made by an operation, which the answer names', async () => {
    const from = await stage(server.url, 'pears', bundle)
    const answer = await order('pears', {
      name: 'v1',
      from,
      description: 'Pears',
      labels: { a: 'b' },
    })
    expect(answer.status, answer.text).toBe(202)
    const { id } = JSON.parse(answer.text)
    expect(answer.headers.location).toBe(`/api/operations/${id}`)
    expect(JSON.parse(answer.text)).toMatchObject({
      ...{ kind: 'create_version', model: 'pears', version: 'v1', state: 'running', attempts: 1 },
      ...{ isCancelRequested: false, lines: [] },
    })
    expect(await ended(`/api/operations/${id}`)).toMatchObject({
      state: 'done',
      endedAt: expect.any(String),
      lines: [
        { severity: 'INFO', message: `Making it of ${from}` },
        { message: 'Reading its files' },
        { message: 'Testing that it answers' },
        { message: 'Storing its backbone' },
        { message: 'Registering it' },
        { message: 'Version v1 of pears can answer' },
      ],
    })
    const version = JSON.parse((await ask('GET', '/api/models/pears/versions/v1')).text)
    expect(version).toMatchObject({ description: 'Pears', labels: { a: 'b' }, isDefault: true })
    expect(version.annotations).toEqual({ verger: { operation: id } })
  })

  test('gets the next name where it was given none, and beside others', async () => {
    const other = await begunElsewhere('v8')
    const from = await stage(server.url, 'fruits', bundle)
    const { status, headers } = await order('fruits', { from, setDefault: true, why: 'a try' })
    expect(status).toBe(202)
    const operation = await ended(headers.location ?? '')
    expect(operation).toMatchObject({ state: 'done', version: 'v3' })
    const [change] = JSON.parse((await ask('GET', '/api/models/fruits/history')).text)
    expect(change).toMatchObject({ to: 'v3', why: 'a try' })
    await ask('POST', `/api/operations/${other}/cancel`)
  })

  test('that lies there no more fails with the reason and what to do', async () => {
    const from = await stage(server.url, 'empty', [['notes.txt', Buffer.from('nothing')]])
    const { headers } = await order('fruits', { name: 'v4', from })
    const { state, error, lines } = await ended(headers.location ?? '')
    expect(state).toBe('failed')
    expect(error).toEqual({
      code: 'source_invalid',
      message: expect.stringMatching(/^Expected /),
      hint: expect.any(String),
    })
    expect(lines.at(-1)).toMatchObject({ severity: 'ERROR' })
    const missing = await ask('GET', '/api/models/fruits/versions/v4')
    expectError(missing, 'version_unknown', /"v4"/)
    const audit = JSON.parse((await ask('GET', '/api/audit?model=fruits')).text)
    expect(audit.slice(0, 2)).toMatchObject([
      { action: 'version.create', target: 'fruits/v4', outcome: 'source_invalid' },
      { action: 'operation.start', target: 'fruits/v4', outcome: 'ok' },
    ])
  })

  test.each([
    [{ name: 'v 1', from: 'gs://b-1/c' }, 'name_invalid', /"v 1"/],
    [{ from: 'gs://b-1/c', labels: { '1': 'a' } }, 'settings_invalid', /"1"/],
    [{ from: 'gs://b' }, 'bucket_url_invalid', /"gs:\/\/b"/],
    [{ from: 'gs://b-1/../c' }, 'bucket_url_invalid', /\.\./],
    [{ from: 'https://example.org/m' }, 'bucket_url_invalid', /https/],
  ] as const)('is refused at once for %j', async (body, code, message) => {
    expectError(await order('fruits', body), code, message)
  })

  test('is asked for once at a time, and can be cancelled', async () => {
    const id = await begunElsewhere('v9')
    const again = await order('fruits', { name: 'v9', from: 'gs://elsewhere/m' })
    const { hint } = expectError(again, 'operation_running', new RegExp(id))
    expect(hint).toContain(`verger operations cancel ${id}`)
    const cancelled = await ask('POST', `/api/operations/${id}/cancel`)
    expect(cancelled.status).toBe(200)
    expect(JSON.parse(cancelled.text)).toMatchObject({ state: 'running', isCancelRequested: true })
    // The server takes it over once the other has been silent for long enough.
    const operation = await ended(`/api/operations/${id}`)
    expect(operation).toMatchObject({ state: 'cancelled' })
    expect(operation).not.toHaveProperty('error')
    const twice = await ask('POST', `/api/operations/${id}/cancel`)
    expect(JSON.parse(twice.text)).toEqual(operation)
  })
})

describe('operations', () => {
  test('are listed page by page, all or those of a model', async () => {
    const all = JSON.parse((await ask('GET', '/api/operations')).text)
    expect(all.length).toBeGreaterThan(2)
    const times = all.map(({ createdAt }: { createdAt: string }) => createdAt)
    expect(times).toEqual([...times].sort().reverse())
    const pears = JSON.parse((await ask('GET', '/api/operations?model=pears')).text)
    expect(pears).toMatchObject([{ model: 'pears' }])
    const first = await ask('GET', '/api/operations?limit=1&model=fruits')
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers['link'])) ?? []
    const second = JSON.parse((await ask('GET', next ?? '')).text)
    expect(second).toMatchObject([{ model: 'fruits' }])
    expect(second[0].id).not.toBe(JSON.parse(first.text)[0].id)
  })

  test('that nobody asked for are not found', async () => {
    expectError(await ask('GET', '/api/operations/nope'), 'operation_unknown', /"nope"/)
    expectError(await ask('POST', '/api/operations/nope/cancel'), 'operation_unknown', /"nope"/)
    expectError(await ask('GET', '/api/operations?modle=a'), 'request_invalid', /'modle'/)
  })
})

test('a home without a registry has no operations, and gets no registry by the question', async () => {
  const path = await mkdtemp(join(tmpdir(), 'verger-bare-'))
  const bare = await startServer({ env: { VERGER_HOME: path } })
  try {
    expect((await get(`${bare.url}/api/operations`)).text).toBe('[]')
    expectError(await get(`${bare.url}/api/operations/nope`), 'operation_unknown', /"nope"/)
    expect(await readdir(path)).not.toContain('verger.db')
  } finally {
    await bare.stop()
    await rm(path, { recursive: true, force: true })
  }
})

test('a token that is for some models sees their operations alone', async () => {
  const path = await mkdtemp(join(tmpdir(), 'verger-limited-'))
  const env = { VERGER_HOME: path }
  const made = await createModelHome()
  const guarded = await startServer({ env: { VERGER_HOME: made.path } })
  try {
    const from = await stage(guarded.url, 'm', bundle)
    const { headers } = await order('fruits', { name: 'v5', from }, guarded.url)
    const location = headers.location ?? ''
    await ended(location, guarded.url)
    await order('pears', { name: 'v1', from }, guarded.url)
    const args = ['tokens', 'create', 'market', '--scope', 'read', '--model', 'pears', '--json']
    const token = await runProgram(args, { ...env, VERGER_HOME: made.path })
    const authorization = `Bearer ${JSON.parse(token.stdout.join('\n')).token}`
    await sleep(1100)
    const listed = JSON.parse((await get(`${guarded.url}/api/operations`, { authorization })).text)
    expect(listed).toMatchObject([{ model: 'pears' }])
    expectError(await get(`${guarded.url}${location}`, { authorization }), 'forbidden', /fruits/)
    const cancel = await fetch(`${guarded.url}/api/operations/${listed[0].id}/cancel`, {
      method: 'POST',
      headers: { authorization },
    })
    expectError(await readAnswer(cancel), 'forbidden', /manage/)
  } finally {
    await guarded.stop()
    await made.remove()
    await rm(path, { recursive: true, force: true })
  }
})

test('a version whose server was killed while it was made is made by the next one', async () => {
  const path = await mkdtemp(join(tmpdir(), 'verger-killed-'))
  const env = { VERGER_HOME: path }
  const first = await startServer({ env })
  const from = await stage(first.url, 'killed', bundle)
  const { headers } = await order('fruits', { from }, first.url)
  first.process.kill('SIGKILL')
  await first.stop()
  const location = headers.location ?? ''

  const second = await startServer({ env })
  try {
    const operation = await ended(location, second.url)
    expect(operation).toMatchObject({ state: 'done', version: 'v1' })
    const versions = JSON.parse((await get(`${second.url}/api/models/fruits/versions`)).text)
    expect(versions).toMatchObject([{ name: 'v1', isDefault: true }])
  } finally {
    await second.stop()
    await rm(path, { recursive: true, force: true })
  }
})
