/** The OpenAPI document against the server that it describes, by a tool that tries what nobody thought of. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OWN_TAGS } from '../../scripts/openapi.ts'
import { CLIENTS_PYTHON } from '../support/foreign-clients.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

/**
 * A valid name may be that of nothing, so that an answer of 404 to what the schema allows is no fault; and many wrong tokens
 * are answered 429, which `ignored_auth` takes for one (test/http/tokens.test.ts has that).
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'use_after_free',
]

let home: ModelHome
let server: TestServer
/** Not VERGER_TOKEN: that is not looked at for a while after many wrong ones, which are part of the test. */
let token: string
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verger-schemathesis-'))
  home = await createModelHome({ keepCorrections: true })
  const env = { VERGER_HOME: home.path }
  const scopes = ['--scope', 'predict,read,manage']
  const made = await runProgram(['tokens', 'create', 'schemathesis', ...scopes, '--json'], env)
  token = JSON.parse(made.stdout.join('\n')).token
  server = await startServer({ env })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
  await rm(folder, { recursive: true })
})

/** What is wrong with a document by the rules of OpenAPI 3.1, line by line; nothing where it is sound. */
const VALIDATE = `
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
for fault in OpenAPIV31SpecValidator(json.load(sys.stdin)).iter_errors():
    print(fault.message)
`

test.skipIf(CLIENTS_PYTHON === undefined)('the document is one of OpenAPI 3.1', async () => {
  const faultsOf = (document: object) =>
    execFileSync(CLIENTS_PYTHON ?? '', ['-c', VALIDATE], {
      input: JSON.stringify(document),
      encoding: 'utf8',
    })
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${server.url}/api/openapi.json`, { headers })
  const document = (await response.json()) as { paths: object; info: object }
  expect(Object.keys(document.paths).length).toBeGreaterThan(20)
  expect(faultsOf(document)).toBe('')
  // And it is looked at: without a title it is none.
  expect(faultsOf({ ...document, info: {} })).toMatch(/title. is a required property/)
})

test.skipIf(CLIENTS_PYTHON === undefined)(
  'schemathesis finds nothing in our own API',
  async () => {
    const tags = OWN_TAGS.flatMap(({ name }) => ['--include-tag', name])
    const args = [
      ...[
        'run',
        `${server.url}/api/openapi.json`,
        ...tags,
        '--header',
        `Authorization: Bearer ${token}`,
      ],
      ...[
        '--checks',
        CHECKS.join(','),
        '--phases',
        'examples,coverage,fuzzing',
        '--max-examples',
        '5',
      ],
      ...['--seed', '1', '--generation-database', 'none', '--no-color', '--continue-on-failure'],
      ...['--request-timeout', '30'],
    ]
    const program = join(dirname(CLIENTS_PYTHON ?? ''), 'schemathesis')
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect(/^=+ FAILURES.*$/ms.exec(output)?.[0]).toBeUndefined()
    expect(code, output).toBe(0)
  },
  240_000,
)
