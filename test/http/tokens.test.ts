/** Tokens of the registry: who may do what, how soon a change of them counts, and what is written down. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuditRecord, readAudit } from '../../dist/registry/audit.js'
import { createToken, listTokens, revokeToken } from '../../dist/registry/tokens.js'
import { openStore, type Store } from '../../dist/store/store.js'
import {
  type Answer,
  expectError,
  get,
  predict,
  predictionsOf,
  readAnswer,
} from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const raw = { type: 'image/jpeg' }
/** What tokens promise: that a change counts at every server within a second. */
const SOON = { timeout: 1000, interval: 20 }

let home: ModelHome
let store: Store
let server: TestServer
const given: string[] = []

beforeAll(async () => {
  home = await createModelHome()
  store = await openStore({ home: home.path })
  server = await startServer({ env: { VERGER_HOME: home.path } })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  const log = server.stderr.join('\n')
  for (const token of given) expect(log).not.toContain(token)
  expect(server.stderr.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
  await store.close()
  await home.remove()
})

async function give(name: string, scopes: string[], more: object = {}): Promise<string> {
  const { token } = await createToken(store, { name, scopes, ...more }, 'ana')
  given.push(token)
  return token
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const ask = (path: string, headers = {}) => get(server.url + path, headers)
const askPhoto = (token: string, query?: string) =>
  predict(server.url, photo, { ...raw, headers: bearer(token), ...(query && { query }) })

async function send(method: string, path: string, token: string, body?: object): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return readAnswer(
    await fetch(server.url + path, {
      method,
      headers: { ...bearer(token), ...type },
      body: body === undefined ? null : JSON.stringify(body),
    }),
  )
}

test('the first token closes a server that was open', async () => {
  expect(await ask('/api/models')).toMatchObject({ status: 200 })
  const reader = await give('reader', ['read'])
  await vi.waitFor(async () => expect((await ask('/api/models')).status).toBe(401), SOON)
  const answer = await ask('/api/models')
  expectError(answer, 'unauthorized', /Authorization: Bearer <token>, received none/)
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="verger"')
  expect(await ask('/api/models', bearer(reader))).toMatchObject({ status: 200 })
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
  expect(await ask('/')).toMatchObject({ status: 200 })
})

describe('a scope', () => {
  let tokens: Record<'predict' | 'read' | 'manage', string>
  beforeAll(async () => {
    tokens = {
      predict: await give('only-predict', ['predict']),
      read: await give('only-read', ['read']),
      manage: await give('only-manage', ['manage']),
    }
  })

  const asked = {
    predict: (token: string) => askPhoto(token),
    read: (token: string) => ask('/api/models/fruits', bearer(token)),
    manage: (token: string) => send('PATCH', '/api/models/fruits', token, { description: 'd' }),
  }

  test.each(['predict', 'read', 'manage'] as const)('%s allows what it says', async (scope) => {
    expect(await asked[scope](tokens[scope])).toMatchObject({ status: 200 })
  })

  test.each([
    ['predict', 'read'],
    ['predict', 'manage'],
    ['read', 'predict'],
    ['read', 'manage'],
    ['manage', 'predict'],
    ['manage', 'read'],
  ] as const)('%s does not allow %s, and says so', async (had, needed) => {
    const answer = await asked[needed](tokens[had])
    expectError(
      answer,
      'forbidden',
      new RegExp(`scope ${needed}, received only-${had} with ${had}`),
    )
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer realm="verger", error="insufficient_scope", scope="${needed}"`,
    )
  })

  test.each(['/metrics', '/api/openapi.json'])('predict does not open %s', async (path) => {
    expectError(await ask(path, bearer(tokens.predict)), 'forbidden', /scope read/)
  })

  test.each(['/api/tokens', '/api/audit'])('read does not open %s', async (path) => {
    expectError(await ask(path, bearer(tokens.read)), 'forbidden', /scope manage/)
  })

  test('of any kind is told of a path that does not exist', async () => {
    expectError(await ask('/nothing', bearer(tokens.predict)), 'route_unknown', /nothing/)
    expectError(await ask('/nothing'), 'unauthorized', /none/)
  })
})

describe('a token for one model', () => {
  let token: string
  beforeAll(async () => {
    const all = await give('gardener', ['manage'])
    expect((await send('POST', '/api/models', all, { name: 'vegetables' })).status).toBe(201)
    token = await give('market', ['predict', 'read', 'manage'], { models: ['fruits'] })
  })

  test('predicts and reads that one', async () => {
    predictionsOf(await askPhoto(token, 'model=fruits'))
    expect(await ask('/api/models/fruits', bearer(token))).toMatchObject({ status: 200 })
  })

  test('sees no other in lists', async () => {
    const { text } = await ask('/api/models', bearer(token))
    expect(JSON.parse(text).map(({ name }: { name: string }) => name)).toEqual(['fruits'])
  })

  test.each(['model=vegetables', 'model=nothing', 'model=fruits&model=vegetables', ''])(
    'does not predict with ?%s',
    async (query) => {
      const message = query === '' ? /for all models, received market for fruits/ : /for the model/
      expectError(await askPhoto(token, query), 'forbidden', message)
    },
  )

  test.each([
    ['GET', '/api/models/vegetables', undefined],
    ['PATCH', '/api/models/vegetables', { description: 'd' }],
    ['DELETE', '/api/models/vegetables', undefined],
    ['POST', '/api/models', { name: 'more' }],
    ['GET', '/api/tokens', undefined],
    ['POST', '/api/tokens', { name: 'more', scopes: ['manage'] }],
    ['GET', '/api/audit', undefined],
  ])('may not %s %s', async (method, path, body) => {
    expectError(await send(method, path, token, body), 'forbidden', /received market for fruits/)
  })
})

describe('a token is taken from', () => {
  let token: string
  beforeAll(async () => {
    token = await give('carried', ['read'])
  })

  test.each([
    ['the header Authorization', '', (text: string) => ({ authorization: `Bearer ${text}` })],
    ['its scheme in any case', '', (text: string) => ({ authorization: `bearer ${text}` })],
    ['the header x-goog-api-key', '', (text: string) => ({ 'x-goog-api-key': text })],
    ['the parameter access_token', '?access_token=', () => ({})],
    ['the parameter key', '?key=', () => ({})],
  ])('%s', async (_what, query, headers) => {
    const path = `/api/models${query}${query === '' ? '' : token}`
    expect(await ask(path, headers(token))).toMatchObject({ status: 200 })
  })

  test('the header before the parameters', async () => {
    const answer = await ask(`/api/models?key=${token}`, bearer('wrong'))
    expectError(answer, 'unauthorized', /received another token/)
  })

  test.each(['?access_token=a&access_token=b', '?key=', '?Key=x', '?token=x'])(
    'no such place as %s',
    async (query) => {
      expectError(await ask(`/api/models${query}`), 'unauthorized', /received/)
    },
  )

  test('parameters that no log line shows', async () => {
    await ask(`/api/models/fruits?access_token=${token}`)
    await vi.waitFor(() => {
      expect(server.stderr.join('\n')).toContain('/api/models/fruits?access_token=…')
    })
    expect(server.stderr.join('\n')).not.toContain(token)
  })
})

describe('a token that does not count', () => {
  test('is refused within a second of its revocation, for good', async () => {
    const token = await give('lost', ['read'])
    expect(await ask('/api/models', bearer(token))).toMatchObject({ status: 200 })
    await revokeToken(store, 'lost')
    await vi.waitFor(
      async () => expect((await ask('/api/models', bearer(token))).status).toBe(401),
      SOON,
    )
    const answer = await ask('/api/models', bearer(token))
    expectError(answer, 'unauthorized', /received the token lost, which was revoked/)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="verger", error="invalid_token"')
  })

  test('is refused at the time at which it expires', async () => {
    const expiresAt = new Date(Date.now() + 700).toISOString()
    const token = await give('short', ['read'], { expiresAt })
    expect(await ask('/api/models', bearer(token))).toMatchObject({ status: 200 })
    await vi.waitFor(
      async () => expect((await ask('/api/models', bearer(token))).status).toBe(401),
      { timeout: 3000, interval: 50 },
    )
    expectError(await ask('/api/models', bearer(token)), 'unauthorized', /short, which expired/)
  })

  test('is told from one that was cut off', async () => {
    const token = await give('whole', ['read'])
    const cut = await ask('/api/models', bearer(token.slice(0, -1)))
    expectError(cut, 'unauthorized', /checksum is wrong, so it was cut off or mistyped/)
  })
})

describe('over HTTP', () => {
  let manager: string
  beforeAll(async () => {
    manager = await give('manager', ['manage'])
  })

  test('a token is made, used, listed and revoked', async () => {
    const body = { name: 'phone', scopes: ['predict'], models: ['fruits'] }
    const created = await send('POST', '/api/tokens', manager, body)
    expect(created.status).toBe(201)
    expect(created.headers['cache-control']).toBe('no-store')
    const { token, ...shown } = JSON.parse(created.text)
    given.push(token)
    expect(shown).toMatchObject({ ...body, state: 'active', createdBy: 'manager' })
    predictionsOf(await askPhoto(token, 'model=fruits'))
    const list = await send('GET', '/api/tokens', manager)
    expect(JSON.parse(list.text)).toContainEqual(shown)
    expect(list.text).not.toContain(token)
    const revoked = await send('DELETE', '/api/tokens/phone', manager)
    expect(JSON.parse(revoked.text)).toMatchObject({ name: 'phone', state: 'revoked' })
    expect((await askPhoto(token, 'model=fruits')).status).toBe(401)
  })

  test.each([
    [{ scopes: ['predict'] }, 'request_invalid', /name/],
    [{ name: 'a', scopes: ['admin'] }, 'token_invalid', /predict, read, manage, received admin/],
    [{ name: 'a', scopes: [] }, 'token_invalid', /received none/],
    [{ name: 'a', scopes: ['read'], expiresAt: '90d' }, 'request_invalid', /expiresAt/],
    [{ name: 'a', scopes: ['read'], models: ['no'] }, 'model_unknown', /"no"/],
    [{ name: 'reader', scopes: ['read'] }, 'token_exists', /new name/],
  ] as const)('%o makes none', async (body, code, message) => {
    expectError(await send('POST', '/api/tokens', manager, body), code, message)
  })

  test('one that does not exist is not revoked', async () => {
    expectError(await send('DELETE', '/api/tokens/phoney', manager), 'token_unknown', /"phoney"/)
  })
})

describe('commands with --server', () => {
  let manager: string
  beforeAll(async () => {
    manager = await give('remote', ['manage'])
  })
  const verger = async (line: string, token = manager) => {
    const args = [...line.split(' '), '--server', server.url]
    const { exitCode, stdout, stderr } = await runProgram(args, { VERGER_TOKEN: token })
    return { exitCode, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
  }

  test('make, list and revoke a token of the server', async () => {
    const made = await verger('tokens create far --scope predict --model fruits --expires 1d')
    expect(made, made.stderr).toMatchObject({ exitCode: 0 })
    expect(made.stdout).toMatch(/^vgr_[0-9a-f]{72}$/)
    given.push(made.stdout)
    predictionsOf(await askPhoto(made.stdout, 'model=fruits'))
    expect((await verger('tokens list')).stdout).toMatch(
      /far +active +predict +fruits +20.* remote/,
    )
    expect((await verger('tokens revoke far')).stdout).toMatch(/^Revoked far/)
    expect((await askPhoto(made.stdout, 'model=fruits')).status).toBe(401)
    const { stdout } = await verger('audit --json')
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ who: 'remote', action: 'token.revoke', target: 'far' }),
    )
  })

  test.each([
    ['tokens create far --scope predict', 1, /token_exists/],
    ['tokens create x --scope predict --model no', 2, /model_unknown/],
    ['tokens create x --scope admin', 2, /token_invalid/],
    ['tokens revoke nothing', 2, /token_unknown/],
  ])('%s fails as it does here', async (line, exitCode, message) => {
    const outcome = await verger(line)
    expect(outcome.exitCode).toBe(exitCode)
    expect(outcome.stderr).toMatch(message)
  })

  test('are refused with the scope that is missing', async () => {
    const { exitCode, stderr } = await verger('tokens list', given[0])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/scope manage, received reader with read \[forbidden\]/)
  })
})

describe('the line of a request in the log', () => {
  const lineOf = (id: string) =>
    vi.waitFor(() => {
      const line = server.stderr.map((text) => JSON.parse(text)).find(({ reqId }) => reqId === id)
      expect(line).toBeDefined()
      return line
    })

  test('says who asked, and which version answered', async () => {
    const token = await give('logged', ['predict'])
    const headers = { ...bearer(token), 'x-request-id': 'answered-1' }
    await predict(server.url, photo, { ...raw, headers, query: 'model=fruits' })
    expect(await lineOf('answered-1')).toMatchObject({
      caller: 'logged',
      model: 'fruits',
      version: 'v1',
      status: 200,
    })
  })

  test('says why a request was refused', async () => {
    const headers = { 'x-request-id': 'refused-1' }
    await ask('/api/models', headers)
    expect(await lineOf('refused-1')).toMatchObject({ caller: 'anonymous', error: 'unauthorized' })
  })
})

describe('the audit log', () => {
  const entries = async (): Promise<AuditRecord[]> => readAudit(store, { limit: 1000 })

  test('has who changed what, from where, and under which request id', async () => {
    const manager = await give('auditor', ['manage'])
    const answer = await send('PATCH', '/api/models/fruits', manager, { description: 'new' })
    const [newest] = await entries()
    expect(newest).toMatchObject({
      who: 'auditor',
      target: 'fruits',
      outcome: 'ok',
      address: '127.0.0.1',
      requestId: answer.headers['x-request-id'],
    })
    await send('DELETE', '/api/models/fruits/versions/v9', manager)
    expect((await entries())[0]).toMatchObject({
      target: 'fruits/v9',
      outcome: 'version_unknown',
    })
  })

  test('has no predictions and no reading', async () => {
    const token = await give('quiet', ['predict', 'read'])
    const before = (await entries()).length
    await askPhoto(token)
    await ask('/api/models', bearer(token))
    expect(await entries()).toHaveLength(before)
  })

  test('has every refused attempt, repeated ones once until their minute is over', async () => {
    const token = await give('curious', ['predict'])
    for (let count = 0; count < 5; count++) await ask('/api/tokens', bearer(token))
    const mine = (await entries()).filter(({ who }) => who === 'curious')
    expect(mine).toMatchObject([{ action: 'GET /api/tokens', outcome: 'forbidden' }])
  })

  test('says the same of a change through another protocol, and how what began has ended', async () => {
    const manager = await give('cloud', ['read', 'manage'])
    const models = '/v1/projects/p/models'
    expect((await send('POST', models, manager, { name: 'berries' })).status).toBe(200)
    expect((await send('DELETE', `${models}/berries`, manager)).status).toBe(200)
    await vi.waitFor(async () => {
      const mine = (await entries()).filter(({ who }) => who === 'cloud')
      expect(
        mine.map(({ action, target, outcome }) => [action, target, outcome].join(' ')),
      ).toEqual(
        expect.arrayContaining([
          'model.create berries ok',
          'operation.start berries ok',
          'model.delete berries ok',
        ]),
      )
      expect(mine).toHaveLength(3)
    })
  })

  test('is read over HTTP, of a time and of a model', async () => {
    const manager = await give('archivist', ['manage'])
    const query = new URLSearchParams({
      since: '2026-01-01T00:00:00+02:00',
      model: 'fruits',
      limit: '2',
    })
    const { status, text } = await send('GET', `/api/audit?${query}`, manager)
    expect(status, text).toBe(200)
    const found = JSON.parse(text) as AuditRecord[]
    expect(found).toHaveLength(2)
    expect(found.every(({ target }) => /^fruits(\/|$)/.test(target))).toBe(true)
    expectError(
      await send('GET', '/api/audit?since=yesterday', manager),
      'request_invalid',
      /since/,
    )
  })
})

test('wrong tokens from one address are slowed down, and right ones of the registry are not', async () => {
  const slow = await startServer({ env: { VERGER_HOME: home.path, VERGER_TOKEN: 'pear tree' } })
  const at = (token: string) => get(`${slow.url}/api/models`, bearer(token))
  const right = await give('steady', ['read'])
  for (let count = 0; count < 10; count++) expect((await at(`guess ${count}`)).status).toBe(401)
  const limited = await at('pear tree')
  expectError(limited, 'too_many_failures', /the next is looked at in [56] s/)
  expect(limited.headers['retry-after']).toMatch(/^[56]$/)
  expect(await at(right)).toMatchObject({ status: 200 })
  expect(await slow.stop()).toBe(0)
  const repeated = (await readAudit(store, { limit: 20 })).filter(
    ({ outcome, details }) => outcome === 'unauthorized' && details['times'] === 9,
  )
  expect(repeated).toHaveLength(1)
})

test('a token is known to have been used once its server has closed', async () => {
  const token = await give('seen', ['read'])
  const other = await startServer({ env: { VERGER_HOME: home.path } })
  await get(`${other.url}/api/models`, bearer(token))
  expect(await other.stop()).toBe(0)
  const seen = (await listTokens(store)).find(({ name }) => name === 'seen')
  expect(Date.now() - Date.parse(seen?.lastUsedAt ?? '')).toBeLessThan(60_000)
})

test('a server on every address is guarded by a token of the registry alone', async () => {
  const wide = await startServer({ env: { VERGER_HOME: home.path }, args: ['--host', '0.0.0.0'] })
  expect((await get(`${wide.url}/api/models`)).status).toBe(401)
  expect(await wide.stop()).toBe(0)
})
