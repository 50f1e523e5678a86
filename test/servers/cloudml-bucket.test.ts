/** CloudML's `deploymentUri` in a real bucket, which is asked where nothing was uploaded to Verger itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloud, waitForOperation } from '../support/cloud-client.ts'
import { type ObjectServer, startGcs } from '../support/object-servers.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'

let bucket: ObjectServer
let home: string
let server: TestServer
beforeAll(async () => {
  bucket = await startGcs()
  await bucket.createBucket('orchard')
  for (const [name, bytes] of await createTinyBundle()) {
    const object = encodeURIComponent(`models/fruits/v1/${name}`)
    const response = await fetch(
      `http://127.0.0.1:${bucket.port}/upload/storage/v1/b/orchard/o?uploadType=media&name=${object}`,
      { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> },
    )
    expect(response.status).toBe(200)
  }
  home = await mkdtemp(join(tmpdir(), 'verger-bucket-'))
  server = await startServer({ env: { VERGER_HOME: home, ...bucket.env() } })
  await cloud(server.url, 'POST', '/models', { name: 'fruits' })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await bucket.stop()
  await rm(home, { recursive: true, force: true })
})

const create = async (name: string, deploymentUri: string) => {
  const { body } = await cloud(server.url, 'POST', '/models/fruits/versions', {
    name,
    deploymentUri,
  })
  return waitForOperation(server.url, body.name)
}

test('a version is made of a folder in a bucket', async () => {
  expect(await create('v1', 'gs://orchard/models/fruits/v1')).toMatchObject({
    response: { state: 'READY', deploymentUri: 'gs://orchard/models/fruits/v1' },
  })
})

test('a folder that is not there is told by its field', async () => {
  expect(await create('v2', 'gs://orchard/models/nothing')).toMatchObject({
    error: {
      code: 9,
      message: expect.stringMatching(
        /^Create Version failed\. Field: version\.deployment_uri Error: .*gs:\/\/orchard\/models\/nothing/,
      ),
    },
  })
  expect((await cloud(server.url, 'GET', '/models/fruits/versions/v2')).body.state).toBe('FAILED')
})

test('a bucket that is not there fails the operation', async () => {
  const { error } = await create('v3', 'gs://no-such-bucket/models')
  expect(error.message).toMatch(/^Create Version failed\. .*no-such-bucket/)
})
