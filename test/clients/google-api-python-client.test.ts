/** Google's client for Python, built from the document that it brings, and from the one that Verger serves. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stage } from '../support/cloud-client.ts'
import { CLIENTS_PYTHON } from '../support/foreign-clients.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { photoPath } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'

const SCRIPT = fileURLToPath(new URL('programs/google_api_client.py', import.meta.url))

describe.skipIf(CLIENTS_PYTHON === undefined)('google-api-python-client', () => {
  let home: ModelHome
  let server: TestServer
  let deploymentUri: string
  beforeAll(async () => {
    home = await createModelHome()
    server = await startServer({ env: { VERGER_HOME: home.path } })
    deploymentUri = await stage(server.url, 'python', await createTinyBundle({ seed: 3 }))
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
    await home.remove()
  })

  test.each([
    ['the document that it brings', []],
    ['the document of the server', ['discovery']],
  ])('works with %s', async (_document, more) => {
    const args = [SCRIPT, server.url, photoPath('baseline.jpg'), deploymentUri, ...more]
    const { stdout } = await promisify(execFile)(CLIENTS_PYTHON ?? '', args)
    const name = more.length === 0 ? 'bundled' : 'own'
    expect(JSON.parse(stdout)).toEqual({
      created: `projects/orchard/models/${name}`,
      duplicate: [409, 1, 'A model with the same name already exists.'],
      v1: 'READY',
      v2: 'READY',
      listed: ['v1', 'v2'],
      predicted: ['0', 'Granny_Smith'],
      default: true,
      patched: 'y',
      missing: [404, expect.stringContaining('Field: name Error:')],
      unreadable: [400, 'Bad Request'],
      deleted: true,
    })
  })
})
