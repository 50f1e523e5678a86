/** Commands that wait for what a server does beside its requests. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addOperation } from '../../dist/registry/operations.js'
import { openStore } from '../../dist/store/store.js'
import { stage } from '../support/cloud-client.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'
import { createSandbox, outcomeOf, type Sandbox } from './verger.ts'

let sandbox: Sandbox
let server: TestServer
let home: string
beforeAll(async () => {
  sandbox = createSandbox()
  home = join(sandbox.folder, 'server')
  server = await startServer({ env: { VERGER_HOME: home } })
})
afterAll(async () => {
  await server.stop()
  sandbox.remove()
  expect(serversLeft()).toEqual([])
})

const run = (line: string) => sandbox.run(`${line} --server ${server.url}`)

/** As if another server had begun to make a version, which is then heard of no more. */
async function begunElsewhere(version: string): Promise<string> {
  const store = await openStore({ home })
  const input = { from: 'gs://elsewhere/m', facts: {}, who: 'ana' }
  const operation = { kind: 'create_version', model: 'pears', version, input } as const
  const { id } = await addOperation(store, operation, 'another server')
  await store.close()
  return id
}

test('versions create waits for what the server fetches, and says what came of it', async () => {
  const from = await stage(server.url, 'pears', await createTinyBundle({ seed: 7 }))
  const made = await run(`verger versions create pears/v1 --from ${from}`)
  expect(made).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(/^Registered pears\/v1, bundle \w+\. It answers for pears\.\n$/),
  })
  const next = await run(`verger versions create pears --from ${from} --json`)
  expect(JSON.parse(next.stdout)).toMatchObject({ model: 'pears', name: 'v1', isDefault: true })

  const listed = await run('verger operations list')
  expect(listed.stdout).toMatch(
    /operation +what +of +state +begun\n.* create_version +pears\/v1 +done/,
  )
  const [{ id }] = JSON.parse((await run('verger operations list --model pears --json')).stdout)
  const shown = await run(`verger operations show ${id}`)
  expect(shown.stdout).toMatch(/^create_version pears\/v1: done\n.* Making it of gs:/)
  expect(await run(`verger operations wait ${id}`)).toMatchObject({
    exit: 0,
    stdout: 'create_version pears/v1: done\n',
  })
  const over = await run(`verger operations cancel ${id}`)
  expect(over.stdout).toBe(`${id} had ended: done\n`)
})

test('versions create ends with the error of the server', async () => {
  const from = await stage(server.url, 'notes', [['notes.txt', Buffer.from('nothing')]])
  const { exit, stderr } = await run(`verger versions create pears/v2 --from ${from}`)
  expect([exit, stderr]).toEqual([
    1,
    expect.stringMatching(/^error Expected .*\[source_invalid\]\n {2}hint /),
  ])
  const unknown = await run('verger operations wait nope')
  expect([unknown.exit, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/\[operation_unknown\]/),
  ])
})

test('Ctrl-C leaves the operation to the server, and says how to come back and how to end it', async () => {
  const id = await begunElsewhere('v3')
  const child = sandbox.start(`exec verger operations wait ${id} --server ${server.url}`)
  const leaving = outcomeOf(child)
  await sleep(3000)
  child.kill('SIGINT')
  const { exit, stderr } = await leaving
  expect(exit).toBe('SIGINT')
  expect(stderr).toBe(
    `note ${id} goes on. verger operations wait ${id} --server ${server.url} waits for it, verger operations cancel ${id} --server ${server.url} ends it.\n`,
  )
  const cancelled = await run(`verger operations cancel ${id}`)
  expect(cancelled.stdout).toBe(`${id} ends at the next step of the server that runs it.\n`)
  const waited = await run(`verger operations wait ${id}`)
  expect([waited.exit, waited.stderr]).toEqual([
    1,
    expect.stringMatching(/\[operation_cancelled\]\n {2}hint Ask for it again\.\n$/),
  ])
  // The registry of this machine knows of it too.
  const here = await sandbox.run(`verger operations show ${id} --local`, { VERGER_HOME: home })
  expect(here.stdout).toMatch(/^create_version pears\/v3: cancelled\n/)
})
