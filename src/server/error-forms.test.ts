import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { type FormatError, formatErrorsBelow } from './error-forms.ts'
import { answerClientError, describeSchemaFaults, mapError, trackUrls } from './error-mapper.ts'

const config = readConfig({ VERGER_MAX_REQUEST_BYTES: '64', VERGER_RECEIVE_TIMEOUT_MS: '300' })
const plain: FormatError = ({ message }) => ({ body: { error: message } })
const coded: FormatError = ({ message }, code) => ({
  status: code === 404 ? 410 : code,
  body: { error: { code, message } },
})

let app: FastifyInstance
beforeAll(async () => {
  const onError = mapError(config, { load: { waiting: 0, running: 0, waitMs: 2500 } })
  app = Fastify({
    bodyLimit: config.limits.requestBytes,
    requestTimeout: config.limits.receiveTimeoutMs,
    frameworkErrors: onError,
    clientErrorHandler: answerClientError(config.limits),
    schemaErrorFormatter: describeSchemaFaults,
    http: { connectionsCheckingInterval: 100, headersTimeout: config.limits.receiveTimeoutMs },
  }) as unknown as FastifyInstance
  app.decorate('errorForms', new Map())
  trackUrls(app)
  app.setErrorHandler(onError)
  app.setNotFoundHandler(({ url }) => {
    throw new VergerError('route_unknown', `Nothing answers ${url}`)
  })
  formatErrorsBelow(app, '/v1', plain)
  formatErrorsBelow(app, '/v1/projects', coded)
  const schema = { body: { type: 'object', required: ['instances'] } } as const
  app.post('/v1/models/:model', { schema }, async () => {
    throw new VergerError('overloaded', 'Too many photos wait')
  })
  app.get('/elsewhere', { config: { formatError: coded } }, async () => {
    throw new VergerError('model_unknown', 'No such model')
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => app.close())

test.each([
  ['GET', '/v1/nothing', undefined, 404, { error: 'Nothing answers /v1/nothing' }],
  ['GET', '/V1/nothing', undefined, 404, { error: 'Nothing answers /V1/nothing' }],
  ['GET', '/v1', undefined, 404, { error: 'Nothing answers /v1' }],
  [
    'GET',
    '/v1/projects:x',
    undefined,
    410,
    { error: { code: 404, message: 'Nothing answers /v1/projects:x' } },
  ],
  ['GET', '/v1/%zz', undefined, 400, { error: "'/v1/%zz' is not a valid url component" }],
  ['GET', '/elsewhere', undefined, 410, { error: { code: 404, message: 'No such model' } }],
  [
    'GET',
    '/v10',
    undefined,
    404,
    { error: { code: 'route_unknown', message: 'Nothing answers /v10' } },
  ],
  ['POST', '/v1/models/a', {}, 400, { error: "body must have required property 'instances'" }],
  ['POST', '/v1/models/a', { instances: [] }, 503, { error: 'Too many photos wait' }],
  [
    'POST',
    '/v1/models/a',
    { instances: ['x'.repeat(64)] },
    413,
    { error: 'Expected a body of at most 64 bytes, received more' },
  ],
] as const)('%s %s %j', async (method, url, payload, status, body) => {
  const answer = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) })
  expect([answer.statusCode, answer.json()]).toEqual([status, body])
  expect(answer.headers['retry-after']).toBe(status === 503 ? '3' : undefined)
})

test('a body that comes too late is told in the form of its protocol', async () => {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.setEncoding('utf8')
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  socket.write(
    'POST /v1/models/a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  )
  await once(socket, 'end')
  socket.destroy()
  expect(text).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
  expect(text).toMatch(/\{"error":"Expected the whole request within 300 ms, it did not arrive"\}$/)
})
