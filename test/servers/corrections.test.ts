/** Corrected photos that lie in a bucket are learned, and are part of a dataset version, as those in the home are. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addCorrection } from '../../dist/registry/corrections.js'
import { createRegistry } from '../../dist/registry/registry.js'
import { openStore } from '../../dist/store/store.js'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { type ObjectServer, startS3 } from '../support/object-servers.ts'
import { drawFruit, writeSmallDataset } from '../support/small-dataset.ts'
import { train } from '../support/training.ts'

const BLOBS = 's3://blobs/orchard'

let server: ObjectServer
let sandbox: Sandbox
let home: string
beforeAll(async () => {
  server = await startS3()
  await server.createBucket('blobs')
  Object.assign(process.env, server.env())
  sandbox = createSandbox()
  home = join(sandbox.folder, 'home')
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
})
afterAll(async () => {
  sandbox?.remove()
  await server?.stop()
})

it('a dataset version finds them there, whatever the home has kept', async () => {
  const env = { ...server.env(), VERGER_BLOBS_URL: BLOBS }
  await train(sandbox, 'fruits --register fruits', env)
  const store = await openStore({ home, blobsUrl: BLOBS })
  await createRegistry(store).updateModel('fruits', { keepCorrections: true })
  const said = { model: 'fruits', version: 'v1', label: 'plum', predicted: 'apple', score: 0.4 }
  const { photoSha256 } = await addCorrection(store, { ...said, photo: await drawFruit('plum', 9) })
  const first = await train(sandbox, 'fruits --register fruits', env)
  expect(first.settings.photosPerLabel).toEqual([12, 12, 13])

  const forget = () => rmSync(join(home, 'cache'), { recursive: true })
  forget()
  const again = await train(sandbox, first.settings.dataset, env)
  expect(again.bundle).toBe(first.bundle)
  expect(again.findings).toEqual(first.findings)

  await store.blobs.delete(photoSha256)
  await store.close()
  forget()
  const without = await train(sandbox, first.settings.dataset, env)
  expect(without.findings.find(({ kind }) => kind === 'broken')).toMatchObject({
    paths: [`corrections/${photoSha256}`],
    error: { code: 'blob_missing' },
  })
})
