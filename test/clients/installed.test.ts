/** Which foreign clients this run has: one that is missing shows here as a skip that names it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CLIENTS_MODULES, CLIENTS_PYTHON, GCLOUD } from '../support/foreign-clients.ts'

describe('foreign clients', () => {
  test.skipIf(GCLOUD === undefined)('gcloud is installed', () => {
    expect(execFileSync(GCLOUD ?? '', ['--version'], { encoding: 'utf8' })).toContain(
      'Google Cloud SDK',
    )
  })

  test.skipIf(CLIENTS_MODULES === undefined)('googleapis for Node.js is installed', () => {
    const manifest = readFileSync(join(CLIENTS_MODULES ?? '', 'googleapis/package.json'), 'utf8')
    expect(JSON.parse(manifest).version).toMatch(/^170\./)
  })

  // Two of them register the same messages, so each is imported by a process of its own.
  test
    .skipIf(CLIENTS_PYTHON === undefined)
    .each([
      'googleapiclient.discovery',
      'tritonclient.http',
      'tritonclient.grpc',
      'kserve',
      'grpc_tools.protoc',
      'openapi_spec_validator',
      'schemathesis',
    ])('%s for Python is installed', (module) => {
    execFileSync(CLIENTS_PYTHON ?? '', ['-c', `import ${module}`], { stdio: 'pipe' })
  })
})
