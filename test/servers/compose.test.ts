/** The services of deploy/compose.yaml, started as it says but without an engine: two servers on one registry. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { writeBundleFolder } from '../../dist/bundles/encode-bundle.js'
import { get, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SECRETS = {
  VERGER_TOKEN: 'token-of-the-test',
  POSTGRES_PASSWORD: 'unused',
  OBJECTS_SECRET: 'secret-of-the-test',
}
const authorization = `Bearer ${SECRETS.VERGER_TOKEN}`

interface Service {
  readonly command: readonly string[]
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** The file with its variables filled in, as Compose does. */
const { services } = parse(
  readFileSync(join(ROOT, 'deploy/compose.yaml'), 'utf8').replace(
    /\$\{(\w+):\?[^}]*\}/g,
    (_, name: keyof typeof SECRETS) => SECRETS[name],
  ),
) as { readonly services: Readonly<Record<'verger' | 'objects' | 'bucket', Service>> }

const folder = mkdtempSync(join(tmpdir(), 'verger-compose-'))
/** Stands for the volume at `/objects`. */
const inVolume = (word: string) => word.replace(/^\/objects/, join(folder, 'objects'))

let postgres: Postgres
let objects: ChildProcess
let env: Record<string, string>
const servers: TestServer[] = []

beforeAll(async () => {
  postgres = await startPostgres()
  const { bucket, objects: store, verger } = services
  expect(bucket.entrypoint.slice(0, 2)).toEqual(['mkdir', '-p'])
  for (const path of bucket.entrypoint.slice(2)) mkdirSync(inVolume(path), { recursive: true })
  const port = await freePort()
  objects = spawn(
    join(ROOT, '.servers/bin/versitygw'),
    store.command.map((word) => inVolume(word).replace(':7070', `127.0.0.1:${port}`)),
    { env: { PATH: process.env['PATH'], ...store.environment }, stdio: 'ignore' },
  )
  env = {
    ...verger.environment,
    VERGER_DATABASE_URL: await postgres.createDatabase(),
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
  }
})
afterAll(async () => {
  for (const server of servers) expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  const ended = once(objects, 'exit')
  objects.kill('SIGKILL')
  await ended
  await postgres.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('a version that one machine creates is answered with by every server', async () => {
  const bundle = join(folder, 'bundle')
  await writeBundleFolder(await createTinyBundle(), bundle)
  const home = (name: string) => ({ ...env, VERGER_HOME: join(folder, name) })
  const created = await runProgram(
    ['versions', 'create', 'fruits/v1', '--from', bundle],
    home('laptop'),
  )
  expect(created, created.stderr.join('\n')).toMatchObject({ exitCode: 0 })
  for (const name of ['a', 'b']) servers.push(await startServer({ env: home(name) }))
  for (const { url } of servers) {
    expect(await get(`${url}/readyz/fruits`, { authorization })).toMatchObject({ status: 200 })
    const answer = await predict(url, readPhoto('baseline.jpg'), {
      type: 'image/jpeg',
      query: 'model=fruits',
      headers: { authorization },
    })
    expect(predictionsOf(answer)).toMatchObject([{ model: 'fruits', version: 'v1' }])
  }
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
