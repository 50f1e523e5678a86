/** What a browser and a program that explores find: the page and the description of the routes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { get } from '../support/http-client.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

describe('the page', () => {
  test('is served with a policy that lets nothing foreign run or load', async () => {
    const { status, headers, text } = await get(`${server.url}/`)
    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^text\/html/)
    expect(text).toMatch(/<title>Verger<\/title>/)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'self';.*object-src 'none'.*frame-ancestors 'none'/,
      ),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/)
  })

  test('asks for files that are there, and for none from elsewhere', async () => {
    const { text } = await get(`${server.url}/`)
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(1)
    for (const link of links) {
      expect(link).toMatch(/^\/[^/]/)
      expect(await get(server.url + link)).toMatchObject({ status: 200 })
    }
  })
})

interface Operation {
  readonly summary?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: object }>>
  }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: object }>
  >
}

describe('the OpenAPI description', () => {
  let document: {
    readonly openapi: string
    readonly info: object
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  beforeAll(async () => {
    document = JSON.parse((await get(`${server.url}/api/openapi.json`)).text)
  })

  test('is of version 3.1 and names the program', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/)
    expect(document.info).toMatchObject({
      title: 'Verger',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    })
  })

  test('has every route with a summary and responses that are described', () => {
    expect(Object.keys(document.paths).toSorted()).toEqual(
      expect.arrayContaining([
        '/api/models',
        '/api/models/{model}',
        '/api/models/{model}/corrections',
        '/api/models/{model}/versions/{version}',
        '/api/models/{model}/versions/{version}/report',
        '/healthz',
        '/metrics',
        '/predict',
        '/readyz',
      ]),
    )
    for (const [path, methods] of Object.entries(document.paths)) {
      expect(path).toMatch(/^\//)
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toBeTruthy()
        for (const [status, { description }] of Object.entries(operation.responses)) {
          expect(status).toMatch(/^([2-5]\d\d|[45]XX)$/)
          expect(description).toBeTruthy()
        }
      }
    }
  })

  test('has the four content types of POST /predict', () => {
    const content = document.paths['/predict']?.['post']?.requestBody?.content ?? {}
    expect(Object.keys(content).toSorted()).toEqual([
      'application/json',
      'application/octet-stream',
      'image/*',
      'multipart/form-data',
    ])
    expect(content['application/json']?.schema).toMatchObject({
      type: 'object',
      properties: { image: {}, images: { type: 'array' } },
    })
  })

  test('has who answers and the number of labels as parameters', () => {
    expect(document.paths['/predict']?.['post']?.parameters).toMatchObject([
      { name: 'model', in: 'query', required: false, schema: { type: 'string' } },
      { name: 'version', in: 'query', required: false, schema: { type: 'string' } },
      {
        name: 'top',
        in: 'query',
        required: false,
        schema: { type: 'integer', minimum: 1, default: 5 },
      },
    ])
  })

  test.each(['400', '401', '404', '408', '409', '413', '415', '422', '500', '503', '504'])(
    'has the schema of an error for the status %s',
    (status) => {
      expect(document.paths['/predict']?.['post']?.responses[status]).toMatchObject({
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
        description: expect.stringMatching(/^[a-z_0-9]+(, [a-z_0-9]+)*$/),
      })
    },
  )

  test('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)]
    for (const [, path = ''] of references) {
      const target = path
        .split('/')
        .reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | undefined)?.[key],
          document,
        )
      expect(target).toBeDefined()
    }
  })
})
