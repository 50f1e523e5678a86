/** Versions that carry their backbone: another home with the same registry answers with them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { keptModelPath, listKeptIds } from '../../dist/backbones/kept-backbones.js'
import { provideBackbone } from '../../dist/backbones/portable-backbones.js'
import { verifyBundle } from '../../dist/bundles/verify-bundle.js'
import { readConfig } from '../../dist/core/config.js'
import { createVersion, type Workshop } from '../../dist/deployment/create-version.js'
import { createTrialHost } from '../../dist/deployment/trial-host.js'
import { openServingHost } from '../../dist/serving/serving-host.js'
import { readVersion, registryVersions } from '../../dist/serving/version-source.js'
import { photoPath } from '../support/photos.ts'
import { createHome, openHomeRegistry } from './homes.ts'

const MODELS = fileURLToPath(new URL('../fixtures/models', import.meta.url))
const FROM = join(MODELS, 'tensorflow/tf1-frozen')
const { limits } = readConfig({})

/** A registry with a version that was made in its own home, and another home that knows nothing of it. */
async function setUp() {
  const home = createHome()
  const { registry, store } = await openHomeRegistry({ home })
  const host = createTrialHost(limits)
  const workshop: Workshop = { registry, blobs: store.blobs, host, config: { home, limits } }
  const version = await createVersion(workshop, { model: 'fruits', from: FROM })
  return { home, registry, store, workshop, version, elsewhere: createHome() }
}

describe('a version whose backbone does not ship with Verger', () => {
  it('answers in another home, which gets its backbone once', async () => {
    const { registry, store, version, elsewhere } = await setUp()
    const reader = { registry, blobs: store.blobs, home: elsewhere }
    const host = openServingHost({
      ...{ home: elsewhere, workers: 1, limits },
      versions: registryVersions(reader, store.changes),
    })
    try {
      const photo = photoPath('baseline.jpg')
      const answer = await host.predict({ source: 'a', photo, model: 'fruits' })
      expect(answer).toMatchObject({ model: 'fruits', version: 'v1' })
    } finally {
      await host.close()
    }
    // Once it is here, the blobs are not asked again.
    for (const hash of Object.values(version.backboneFiles ?? {})) await store.blobs.delete(hash)
    const { backbone } = await readVersion(reader, version)
    expect(backbone.weights.path.startsWith(elsewhere)).toBe(true)
    expect(listKeptIds(elsewhere)).toEqual([])
  })

  it('lets several processes get it together', async () => {
    const { registry, store, version, elsewhere } = await setUp()
    const reader = { registry, blobs: store.blobs, home: elsewhere }
    const got = await Promise.all(Array.from({ length: 5 }, () => readVersion(reader, version)))
    expect(new Set(got.map(({ backbone }) => backbone.weights.path)).size).toBe(1)
  })

  it('does not mind another backbone of the same id, and leaves it alone', async () => {
    const { home, registry, store, version, elsewhere } = await setUp()
    const { backbone: own } = await readVersion({ registry, blobs: store.blobs, home }, version)
    const other = keptModelPath(elsewhere, own.id)
    mkdirSync(dirname(other), { recursive: true })
    const text = readFileSync(join(dirname(own.weights.path), 'backbone.json'), 'utf8')
    const description = JSON.parse(text)
    const weights = { ...description.model, sha256: 'a'.repeat(64) }
    writeFileSync(
      join(dirname(other), 'backbone.json'),
      JSON.stringify({ ...description, model: weights }),
    )
    writeFileSync(other, 'other weights')
    const reader = { registry, blobs: store.blobs, home: elsewhere }
    const { backbone } = await readVersion(reader, version)
    expect(backbone.weights.sha256).toBe(own.weights.sha256)
    expect(readFileSync(other, 'utf8')).toBe('other weights')
  })

  it('is repaired from the blobs where the home lost it', async () => {
    const { home, registry, store, version } = await setUp()
    const reader = { registry, blobs: store.blobs, home }
    const { backbone } = await readVersion(reader, version)
    rmSync(dirname(backbone.weights.path), { recursive: true })
    const again = await readVersion(reader, version)
    expect(again.backbone.weights.sha256).toBe(backbone.weights.sha256)
    expect(readFileSync(again.backbone.weights.path).length).toBe(backbone.weights.sizeBytes)
  })

  it('refuses a damaged blob, and keeps nothing of it', async () => {
    const { home, registry, store, version, elsewhere } = await setUp()
    const hash = version.backboneFiles?.['model.onnx'] ?? ''
    writeFileSync(join(home, 'blobs', hash.slice(0, 2), hash.slice(2)), 'damaged')
    const reader = { registry, blobs: store.blobs, home: elsewhere }
    await expect(readVersion(reader, version)).rejects.toMatchObject({ code: 'blob_damaged' })
    await store.blobs.putFile(
      (await readVersion({ ...reader, home }, version)).backbone.weights.path,
    )
    await readVersion(reader, version)
  })

  it('names both hashes where nothing brings the right weights', async () => {
    const { registry, store, version, elsewhere } = await setUp()
    const { files } = await readVersion({ registry, blobs: store.blobs, home: elsewhere }, version)
    const wanted = verifyBundle(files).backbone
    await expect(
      provideBackbone(wanted, { home: createHome(), blobs: store.blobs, files: undefined }),
    ).rejects.toMatchObject({
      code: 'backbone_unknown',
      message: expect.stringContaining(wanted.id),
    })
  })

  it('keeps its backbone from being collected as rubbish', async () => {
    const { registry, version } = await setUp()
    const referenced = await registry.referencedBlobs()
    for (const hash of Object.values(version.backboneFiles ?? {}))
      expect(referenced).toContain(hash)
  })

  it('stores the backbone of several versions once', async () => {
    const { registry, workshop, version, store } = await setUp()
    const again = await createVersion(workshop, { model: 'other', from: FROM })
    expect(again.backboneFiles).toEqual(version.backboneFiles)
    const { files } = await readVersion(
      { registry, blobs: store.blobs, home: workshop.config.home },
      version,
    )
    expect((await createVersion(workshop, { model: 'third', from: files })).bundle).toBe(
      version.bundle,
    )
  })
})
