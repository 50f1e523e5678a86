/** Each package that a program loads makes its start longer: here stand all that a start must wait for. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { photoPath } from '../support/photos.ts'
import { runProgram, type StartOptions, serversLeft, startServer } from '../support/server.ts'

const RECORDER = new URL('../support/record-packages.mjs', import.meta.url)

const folder = mkdtempSync(join(tmpdir(), 'verger-packages-'))
let home: ModelHome
beforeAll(async () => {
  home = await createModelHome()
})
afterAll(async () => {
  expect(serversLeft()).toEqual([])
  await home.remove()
  rmSync(folder, { recursive: true })
})

/** Runs a program, and gives those of our dependencies that its main thread had loaded when it ended. */
async function recordPackages(
  run: (env: NonNullable<StartOptions['env']>) => Promise<number | null>,
): Promise<string[]> {
  const path = join(folder, 'packages.json')
  const env = { NODE_OPTIONS: `--import=${RECORDER}`, VERGER_TEST_PACKAGES: path }
  expect(await run(env)).toBe(0)
  const loaded: string[] = JSON.parse(readFileSync(path, 'utf8'))
  return loaded.filter((name) => Object.hasOwn(packageJson.dependencies, name))
}

/** `@opentelemetry/api` is loaded by prom-client, `ipaddr.js` by Fastify. */
const SERVER = [
  '@fastify/multipart',
  '@fastify/static',
  '@opentelemetry/api',
  'commander',
  'fastify',
  'ipaddr.js',
  'p-map',
  'pino',
  'piscina',
  'prom-client',
  'proper-lockfile',
]

describe('the packages that are loaded', () => {
  test.each([
    ['--version', []],
    ['--help', ['commander', 'csv-stringify']],
    [
      'predict',
      ['commander', 'csv-stringify', 'p-map', 'piscina', 'proper-lockfile', 'tinyglobby'],
    ],
  ])('by verger %s', async (command, expected) => {
    const args = command === 'predict' ? [command, photoPath('baseline.jpg')] : [command]
    const packages = await recordPackages(async (env) => (await runProgram(args, env)).exitCode)
    expect(packages).toEqual(expected)
  })

  test('by a server of a bare backbone until it is ready', async () => {
    const packages = await recordPackages(async (env) =>
      (await startServer({ env: { ...env, VERGER_HOME: join(folder, 'home') } })).stop(),
    )
    expect(packages).toEqual(SERVER)
  })

  test('by a server of models until it is ready', async () => {
    const packages = await recordPackages(async (env) =>
      (await startServer({ env: { ...env, VERGER_HOME: home.path } })).stop(),
    )
    expect(packages).toEqual([...SERVER, 'kysely', 'libsql'].toSorted())
  })
})
