/** What is said of models and versions, versions on trial, and how others hear of changes. Each database passes them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ModelSettings } from '../../dist/registry/registry.js'
import type { StoreConfig } from '../../dist/store/store.js'
import { bundleFiles, openHomeRegistry } from './homes.ts'

/** `createPlace` gives settings under which there is no registry yet. */
export function describeRegistryFeatures(
  name: string,
  createPlace: () => StoreConfig | Promise<StoreConfig>,
): void {
  const openNew = async () => openHomeRegistry(await createPlace())

  /** A model `fruits` with versions v1, v2, …; v1 answers. */
  async function withVersions(count: number) {
    const { registry } = await openNew()
    for (let seed = 1; seed <= count; seed++) {
      await registry.register({ model: 'fruits', files: bundleFiles(seed) })
    }
    return registry
  }

  describe(`what is said of models and versions: ${name}`, () => {
    const labels = { season: 'autumn', 'team/owner': 'orchard' }

    it('is kept, changed in part, and changes nothing else', async () => {
      const { registry, store } = await openNew()
      const cloudml = { regions: ['us-central1'], onlinePredictionLogging: true }
      const about = { labels, annotations: { cloudml } }
      expect(
        await registry.createModel('fruits', { ...about, keepCorrectionsDays: 30 }),
      ).toMatchObject({ ...about, keepCorrectionsDays: 30, canary: undefined, shadow: undefined })
      const kserve = { ready: true }
      expect(
        await registry.updateModel('fruits', { annotations: { kserve }, labels: {} }),
      ).toMatchObject({ labels: {}, annotations: { cloudml, kserve }, keepCorrectionsDays: 30 })
      expect(
        await registry.updateModel('fruits', {
          annotations: { cloudml: null },
          keepCorrectionsDays: null,
        }),
      ).toMatchObject({ annotations: { kserve }, keepCorrectionsDays: undefined })

      const files = bundleFiles(1)
      const model = await store.blobs.put(Buffer.from('the network'))
      const backboneFiles = { 'model.onnx': model }
      const version = await registry.register({ model: 'fruits', files, ...about, backboneFiles })
      expect(version).toMatchObject({ ...about, backboneFiles, description: '' })
      expect(await registry.referencedBlobs()).toContain(model)
      const changed = await registry.updateVersion('fruits', 'v1', { description: 'ripe' })
      expect(changed).toEqual({ ...version, description: 'ripe', etag: changed.etag })
      expect(await registry.resolveVersion('fruits')).toEqual(changed)
    })

    it('has another etag after each change, and is changed only under the etag that is expected', async () => {
      const registry = await withVersions(2)
      const first = await registry.getModel('fruits')
      const second = await registry.updateModel(
        'fruits',
        { description: 'at the market' },
        { ifMatch: first.etag },
      )
      expect(second.etag).not.toBe(first.etag)
      await expect(
        registry.updateModel('fruits', { description: 'mine' }, { ifMatch: first.etag }),
      ).rejects.toMatchObject({ code: 'etag_mismatch', details: { etag: second.etag } })
      await registry.setDefault('fruits', 'v2')
      expect((await registry.getModel('fruits')).etag).not.toBe(second.etag)

      const { etag } = await registry.resolveVersion('fruits', 'v1')
      await registry.updateVersion('fruits', 'v1', { labels }, { ifMatch: etag })
      await expect(
        registry.updateVersion('fruits', 'v1', { labels: {} }, { ifMatch: etag }),
      ).rejects.toMatchObject({ code: 'etag_mismatch' })
      expect((await registry.resolveVersion('fruits', 'v1')).labels).toEqual(labels)
    })

    const many = Array.from({ length: 65 }, (_, index) => [`a${index}`, ''])
    it.each<[string, ModelSettings]>([
      ['a long description', { description: 'x'.repeat(100_001) }],
      ['a NUL', { description: 'a\0b' }],
      ['a label that starts with a digit', { labels: { '1st': 'a' } }],
      ['a label that cannot be seen', { labels: { a: '\n' } }],
      ['a long label', { labels: { a: 'x'.repeat(64) } }],
      ['too many labels', { labels: Object.fromEntries(many) }],
      ['long annotations', { annotations: { cloudml: 'x'.repeat(300_000) } }],
      ['half a day', { keepCorrectionsDays: 0.5 }],
      ['no day', { keepCorrectionsDays: 0 }],
    ])('is refused for %s', async (_words, settings) => {
      const registry = await withVersions(1)
      const refused = { code: 'settings_invalid' }
      const { keepCorrectionsDays: _days, ...ofVersion } = settings
      await expect(registry.createModel('a', settings)).rejects.toMatchObject(refused)
      await expect(registry.updateModel('fruits', settings)).rejects.toMatchObject(refused)
      if (Object.keys(ofVersion).length > 0) {
        await expect(registry.updateVersion('fruits', 'v1', ofVersion)).rejects.toMatchObject(
          refused,
        )
        await expect(
          registry.register({ model: 'b', files: bundleFiles(2), ...ofVersion }),
        ).rejects.toMatchObject(refused)
      }
      expect((await registry.listModels()).map((model) => model.name)).toEqual(['fruits'])
    })

    it('keeps any letters', async () => {
      const { registry } = await openNew()
      const said = { description: 'Äpfel, 🍎\n\t"\\\u0007', labels: { a: 'é 🍎' } }
      await registry.createModel('fruits', { ...said, annotations: { x: { y: ['\0'] } } })
      expect(await registry.getModel('fruits')).toMatchObject({
        ...said,
        annotations: { x: { y: ['\0'] } },
      })
    })

    it('sorts and tells names apart by their letters, large before small', async () => {
      const { registry } = await openNew()
      for (const model of ['b', 'a_b', 'B', 'a-b', 'ab']) await registry.createModel(model)
      const names = (await registry.listModels()).map((model) => model.name)
      expect(names).toEqual(['B', 'a-b', 'a_b', 'ab', 'b'])
    })
  })

  describe(`versions on trial: ${name}`, () => {
    it('are a canary with a share of the requests, and a shadow', async () => {
      const registry = await withVersions(3)
      const change = { who: 'anna', why: 'try it on a few' }
      const canary = { version: 'v2', percent: 5 }
      expect(await registry.setCanary('fruits', canary, change)).toMatchObject({ canary })
      expect(await registry.setShadow('fruits', 'v3')).toMatchObject({ canary, shadow: 'v3' })
      await registry.setCanary('fruits', { version: 'v2', percent: 50 })
      await registry.setCanary('fruits', { version: 'v2', percent: 50 })
      expect(await registry.getModel('fruits')).toMatchObject({ defaultVersion: 'v1' })
      expect((await registry.readHistory('fruits')).slice(0, 3)).toMatchObject([
        { kind: 'canary', from: 'v2', to: 'v2', percent: 50 },
        { kind: 'shadow', from: undefined, to: 'v3' },
        { kind: 'canary', from: undefined, to: 'v2', percent: 5, ...change },
      ])
      await registry.setCanary('fruits', undefined)
      await registry.setShadow('fruits', undefined)
      const ended = await registry.getModel('fruits')
      expect(ended).toMatchObject({ canary: undefined, shadow: undefined })
    })

    it('end when their version becomes the default, and are no earlier default', async () => {
      const registry = await withVersions(3)
      await registry.setCanary('fruits', { version: 'v2', percent: 5 })
      await registry.setShadow('fruits', 'v3')
      await registry.setDefault('fruits', 'v2')
      expect(await registry.getModel('fruits')).toMatchObject({ canary: undefined, shadow: 'v3' })
      await registry.setDefault('fruits', 'v3')
      expect(await registry.getModel('fruits')).toMatchObject({ shadow: undefined })
      await registry.setCanary('fruits', { version: 'v1', percent: 5 })
      expect(await registry.rollback('fruits')).toMatchObject({ from: 'v3', to: 'v2' })
      expect(await registry.rollback('fruits')).toMatchObject({ from: 'v2', to: 'v1' })
      expect(await registry.getModel('fruits')).toMatchObject({ canary: undefined })
    })

    it('are not deleted', async () => {
      const registry = await withVersions(3)
      await registry.setCanary('fruits', { version: 'v2', percent: 5 })
      await registry.setShadow('fruits', 'v3')
      for (const version of ['v2', 'v3']) {
        await expect(registry.deleteVersion('fruits', version)).rejects.toMatchObject({
          code: 'version_in_use',
        })
      }
      await registry.setCanary('fruits', undefined)
      await registry.deleteVersion('fruits', 'v2')
      await registry.deleteModel('fruits', { force: true })
    })

    it.each([0, 100, 12.5, -1, Number.NaN])(
      'are refused with a share of %s %%',
      async (percent) => {
        const registry = await withVersions(2)
        await expect(
          registry.setCanary('fruits', { version: 'v2', percent }),
        ).rejects.toMatchObject({ code: 'canary_invalid' })
      },
    )

    it('are never the version that answers', async () => {
      const registry = await withVersions(2)
      const refused = { code: 'canary_invalid' }
      await expect(
        registry.setCanary('fruits', { version: 'v1', percent: 5 }),
      ).rejects.toMatchObject(refused)
      await expect(registry.setShadow('fruits', 'v1')).rejects.toMatchObject(refused)
    })
  })

  describe(`the feed of changes: ${name}`, () => {
    it('moves with every change of this process and of others', async () => {
      const place = await createPlace()
      const one = await openHomeRegistry(place)
      const other = await openHomeRegistry(place)
      const expectMove = async (change: () => Promise<unknown>) => {
        const before = [one.store.changes.revision(), other.store.changes.revision()]
        await change()
        expect(one.store.changes.revision()).not.toBe(before[0])
        await expect
          .poll(() => other.store.changes.revision(), { timeout: 1000 })
          .not.toBe(before[1])
      }
      await expectMove(() => one.registry.createModel('fruits'))
      await expectMove(() => one.registry.register({ model: 'fruits', files: bundleFiles(1) }))
      await expectMove(() => one.registry.register({ model: 'fruits', files: bundleFiles(2) }))
      await expectMove(() => one.registry.setDefault('fruits', 'v2'))
      await expectMove(() => one.registry.setShadow('fruits', 'v1'))
      await expectMove(() => one.registry.updateVersion('fruits', 'v1', { description: 'x' }))
      await expectMove(() => one.registry.deleteModel('fruits', { force: true }))
    })

    it('calls its watchers within a second, until they have heard enough', async () => {
      const place = await createPlace()
      const one = await openHomeRegistry(place)
      const other = await openHomeRegistry(place)
      let calls = 0
      const end = other.store.changes.watch(() => calls++)
      await one.registry.createModel('fruits')
      await expect.poll(() => calls, { timeout: 1000 }).toBeGreaterThan(0)
      await sleep(1000)
      end()
      const before = calls
      await one.registry.createModel('vegetables')
      await sleep(1200)
      expect(calls).toBe(before)
    })
  })
}
