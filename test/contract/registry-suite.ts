/** The promises of the registry: names, defaults, rollback, corrections. Each database passes them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { addCorrection, listCorrections } from '../../dist/registry/corrections.js'
import type { Registry } from '../../dist/registry/registry.js'
import type { StoreConfig } from '../../dist/store/store.js'
import { bundleFiles, openHomeRegistry } from './homes.ts'

const idOf = (seed: number) => sha256(bundleFiles(seed).get('bundle.json') ?? Buffer.alloc(0))

/** `createPlace` gives settings under which there is no registry yet. */
export function describeRegistry(
  name: string,
  createPlace: () => StoreConfig | Promise<StoreConfig>,
): void {
  const openNew = async () => openHomeRegistry(await createPlace())

  describe(`registry: ${name}`, () => {
    /** A model `fruits` with versions v1, v2, …; v1 answers. */
    async function withVersions(count: number): Promise<Registry> {
      const { registry } = await openNew()
      for (let seed = 1; seed <= count; seed++) {
        await registry.register({ model: 'fruits', files: bundleFiles(seed) })
      }
      return registry
    }

    const defaultOf = async (registry: Registry) => (await registry.resolveVersion('fruits')).name

    describe('models', () => {
      it('are created, listed by name, changed and deleted', async () => {
        const { registry } = await openNew()
        await registry.createModel('vegetables')
        const created = await registry.createModel('fruits', { description: 'at the market' })
        expect(created).toMatchObject({
          defaultVersion: undefined,
          keepCorrections: false,
          versions: 0,
        })
        expect((await registry.listModels()).map(({ name }) => name)).toEqual([
          'fruits',
          'vegetables',
        ])
        await registry.updateModel('fruits', { keepCorrections: true })
        expect(await registry.updateModel('fruits', { description: 'at home' })).toMatchObject({
          description: 'at home',
          keepCorrections: true,
        })
        await registry.deleteModel('fruits')
        expect(await registry.listModels()).toHaveLength(1)
      })

      it('have one name each, of an allowed form', async () => {
        const { registry } = await openNew()
        await registry.createModel('fruits')
        await expect(registry.createModel('fruits')).rejects.toMatchObject({ code: 'model_exists' })
        await expect(registry.createModel('../x')).rejects.toMatchObject({ code: 'name_invalid' })
      })

      it('that do not exist are answered with those that do, and the nearest', async () => {
        const { registry } = await openNew()
        await expect(registry.getModel('fruits')).rejects.toMatchObject({
          code: 'model_unknown',
          message: expect.stringContaining('there is none'),
        })
        await registry.createModel('fruits')
        await registry.createModel('vegetables')
        await expect(registry.resolveVersion('fruit')).rejects.toMatchObject({
          code: 'model_unknown',
          message: expect.stringContaining('fruits, vegetables'),
          hint: 'Did you mean fruits?',
        })
        for (const call of [
          () => registry.updateModel('x', {}),
          () => registry.deleteModel('x'),
          () => registry.listVersions('x'),
          () => registry.readHistory('x'),
          () => registry.rollback('x'),
          () => registry.setDefault('x', 'v1'),
          () => registry.deleteVersion('x', 'v1'),
          () => registry.resolveVersion('x', 'v1'),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: 'model_unknown' })
        }
      })

      it('with versions are deleted by force only, with all that is theirs', async () => {
        const { registry, store } = await openNew()
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        await registry.register({ model: 'fruits', files: bundleFiles(2), setDefault: true })
        await expect(registry.deleteModel('fruits')).rejects.toMatchObject({
          code: 'model_has_versions',
        })
        await registry.deleteModel('fruits', { force: true, dryRun: true })
        expect(await registry.getModel('fruits')).toMatchObject({ versions: 2 })
        await registry.deleteModel('fruits', { force: true })
        expect(await store.db.selectFrom('versions').selectAll().execute()).toEqual([])
        expect(await store.db.selectFrom('default_changes').selectAll().execute()).toEqual([])
        expect(await registry.referencedBlobs()).toEqual(new Set())
      })
    })

    describe('versions', () => {
      it('are registered with the next free name, or a given one, and create their model', async () => {
        const { registry } = await openNew()
        const first = await registry.register({ model: 'fruits', files: bundleFiles(1) })
        expect(first).toMatchObject({ model: 'fruits', name: 'v1', bundle: idOf(1) })
        await registry.register({ model: 'fruits', version: 'v7', files: bundleFiles(2) })
        await registry.register({ model: 'fruits', version: 'spring', files: bundleFiles(3) })
        expect(await registry.register({ model: 'fruits', files: bundleFiles(4) })).toMatchObject({
          name: 'v8',
        })
        const names = (await registry.listVersions('fruits')).map(({ name }) => name)
        expect(names).toEqual(['v8', 'spring', 'v7', 'v1'])
      })

      it('never reuse a name that the history knows', async () => {
        const registry = await withVersions(2)
        await registry.setDefault('fruits', 'v2')
        await registry.setDefault('fruits', 'v1')
        await registry.deleteVersion('fruits', 'v2')
        expect((await registry.register({ model: 'fruits', files: bundleFiles(9) })).name).toBe(
          'v3',
        )
      })

      it('of the same bundle are the same version', async () => {
        const registry = await withVersions(1)
        const files = bundleFiles(1)
        files.set('report.json', Buffer.from('{"made":"later"}'))
        const again = await registry.register({ model: 'fruits', version: 'v1', files })
        expect(again).toEqual(await registry.resolveVersion('fruits', 'v1'))
        expect((await registry.register({ model: 'fruits', files })).name).toBe('v1')
        expect(await registry.listVersions('fruits')).toHaveLength(1)
      })

      it('do not change: another bundle needs another name', async () => {
        const registry = await withVersions(1)
        await expect(
          registry.register({ model: 'fruits', version: 'v1', files: bundleFiles(2) }),
        ).rejects.toMatchObject({
          code: 'version_exists',
          details: { bundle: idOf(1), received: idOf(2) },
        })
        expect(await registry.resolveVersion('fruits')).toMatchObject({ bundle: idOf(1) })
      })

      it.each([
        ['a model', { model: '9', version: 'v1' }],
        ['a version', { model: 'fruits', version: 'v 1' }],
      ])('refuse a bad name of %s before anything is kept', async (_words, names) => {
        const { registry, store } = await openNew()
        await expect(registry.register({ ...names, files: bundleFiles(1) })).rejects.toMatchObject({
          code: 'name_invalid',
        })
        for await (const blob of store.blobs.list()) expect(blob).toBeUndefined()
        expect(await registry.listModels()).toEqual([])
      })

      it('need a bundle.json', async () => {
        const { registry } = await openNew()
        await expect(
          registry.register({ model: 'fruits', files: new Map([['head.bin', Buffer.alloc(1)]]) }),
        ).rejects.toMatchObject({
          code: 'bundle_incomplete',
          message: expect.stringContaining('head'),
        })
      })

      it('give their files back, verified', async () => {
        const place = await createPlace()
        const { registry } = await openHomeRegistry(place)
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        const version = await registry.resolveVersion('fruits')
        for (const [name, bytes] of bundleFiles(1)) {
          expect(Buffer.compare(await registry.readVersionFile(version, name), bytes)).toBe(0)
        }
        await expect(registry.readVersionFile(version, 'constructor')).rejects.toMatchObject({
          code: 'version_file_unknown',
        })
        const hash = version.files['head.bin'] ?? ''
        const path = join(place.home, 'blobs', hash.slice(0, 2), hash.slice(2))
        const damaged = readFileSync(path)
        damaged[7] = damaged.readUInt8(7) ^ 1
        writeFileSync(path, damaged)
        await expect(registry.readVersionFile(version, 'head.bin')).rejects.toMatchObject({
          code: 'blob_damaged',
        })
        rmSync(path)
        await expect(registry.readVersionFile(version, 'head.bin')).rejects.toMatchObject({
          code: 'blob_missing',
        })
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        expect(await registry.readVersionFile(version, 'head.bin')).toHaveLength(20_000)
      })

      it('that do not exist are answered with those that do', async () => {
        const registry = await withVersions(2)
        await expect(registry.resolveVersion('fruits', 'v3')).rejects.toMatchObject({
          code: 'version_unknown',
          message: expect.stringContaining('v1, v2'),
          hint: 'Did you mean fruits/v1?',
        })
        for (const call of [
          () => registry.setDefault('fruits', 'v3'),
          () => registry.deleteVersion('fruits', 'v3'),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: 'version_unknown' })
        }
        await registry.createModel('empty')
        await expect(registry.resolveVersion('empty')).rejects.toMatchObject({
          code: 'model_has_no_version',
        })
      })

      it('are deleted unless they answer; the last one may go', async () => {
        const registry = await withVersions(2)
        await expect(registry.deleteVersion('fruits', 'v1')).rejects.toMatchObject({
          code: 'version_is_default',
        })
        await registry.deleteVersion('fruits', 'v2', { dryRun: true })
        expect(await registry.listVersions('fruits')).toHaveLength(2)
        await registry.deleteVersion('fruits', 'v2')
        await registry.deleteVersion('fruits', 'v1', { why: 'season is over' })
        await expect(registry.resolveVersion('fruits')).rejects.toMatchObject({
          code: 'model_has_no_version',
        })
        expect((await registry.readHistory('fruits'))[0]).toMatchObject({
          kind: 'delete',
          from: 'v1',
          to: undefined,
          why: 'season is over',
        })
      })
    })

    describe('the default', () => {
      it('is the first version, until another one is named', async () => {
        const registry = await withVersions(2)
        expect(await defaultOf(registry)).toBe('v1')
        await registry.register({ model: 'fruits', files: bundleFiles(3), setDefault: true })
        expect(await defaultOf(registry)).toBe('v3')
      })

      it('is switched with who, why, from and to', async () => {
        const registry = await withVersions(2)
        const change = { who: 'anna', why: 'better on bananas', tookMs: 3.25 }
        expect(await registry.setDefault('fruits', 'v2', change)).toMatchObject({
          kind: 'set',
          from: 'v1',
          to: 'v2',
          ...change,
        })
        expect(await registry.setDefault('fruits', 'v2', change)).toBeUndefined()
        const [newest, first, ...more] = await registry.readHistory('fruits')
        expect(newest).toMatchObject({ to: 'v2', ...change })
        expect(Date.now() - Date.parse(newest?.at ?? '')).toBeLessThan(60_000)
        expect(first).toMatchObject({ from: undefined, to: 'v1', why: 'the first version' })
        expect(first?.who).not.toBe('')
        expect(more).toEqual([])
      })

      it('is seen by another process at once', async () => {
        const place = await createPlace()
        const one = await openHomeRegistry(place)
        const other = await openHomeRegistry(place)
        await one.registry.register({ model: 'fruits', files: bundleFiles(1) })
        expect(await defaultOf(other.registry)).toBe('v1')
        await one.registry.register({ model: 'fruits', files: bundleFiles(2), setDefault: true })
        expect(await defaultOf(other.registry)).toBe('v2')
        await other.registry.rollback('fruits')
        expect(await defaultOf(one.registry)).toBe('v1')
      })

      it('rolls back as often as there is an earlier one, and from a rollback forward again', async () => {
        const registry = await withVersions(3)
        await registry.setDefault('fruits', 'v2')
        await registry.setDefault('fruits', 'v3')
        expect(await registry.rollback('fruits', { why: 'pears' })).toMatchObject({
          kind: 'rollback',
          from: 'v3',
          to: 'v2',
          why: 'pears',
        })
        await registry.rollback('fruits')
        expect(await defaultOf(registry)).toBe('v1')
        await expect(registry.rollback('fruits')).rejects.toMatchObject({
          code: 'rollback_impossible',
        })
        await registry.setDefault('fruits', 'v3')
        await registry.rollback('fruits')
        expect(await defaultOf(registry)).toBe('v1')
      })

      it('undoes a return to an older version as well', async () => {
        const registry = await withVersions(2)
        await registry.setDefault('fruits', 'v2')
        await registry.setDefault('fruits', 'v1')
        expect(await registry.rollback('fruits')).toMatchObject({ from: 'v1', to: 'v2' })
        expect(await registry.rollback('fruits')).toMatchObject({ from: 'v2', to: 'v1' })
      })

      it('rolls back past versions that were deleted', async () => {
        const registry = await withVersions(3)
        await registry.setDefault('fruits', 'v2')
        await registry.setDefault('fruits', 'v3')
        await registry.deleteVersion('fruits', 'v2')
        expect(await registry.rollback('fruits')).toMatchObject({ from: 'v3', to: 'v1' })
      })
    })

    describe('corrections', () => {
      const correction = {
        model: 'fruits',
        version: 'v1',
        photo: Buffer.from('photo of a quince'),
        label: 'quince',
        predicted: 'pear',
        score: 0.71,
      }

      it('are refused, and the photo is not kept, unless the owner has opted in', async () => {
        const { registry, store } = await openNew()
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        await expect(addCorrection(store, correction)).rejects.toMatchObject({
          code: 'corrections_off',
          hint: expect.stringContaining('--keep-corrections'),
        })
        expect(await store.blobs.has(sha256(correction.photo))).toBe(false)
        await registry.updateModel('fruits', { keepCorrections: true })
        await addCorrection(store, correction)
        await registry.updateModel('fruits', { keepCorrections: false })
        await expect(addCorrection(store, correction)).rejects.toMatchObject({
          code: 'corrections_off',
        })
        expect(await listCorrections(store, 'fruits')).toHaveLength(1)
      })

      it('keep the photo with its newest label, and its blob is referred to', async () => {
        const { registry, store } = await openNew()
        await registry.createModel('fruits', { keepCorrections: true })
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        await addCorrection(store, correction)
        await addCorrection(store, { ...correction, photo: Buffer.from('another photo') })
        await addCorrection(store, { ...correction, label: '  medlar ' })
        const kept = await listCorrections(store, 'fruits')
        expect(kept).toMatchObject([{ label: 'medlar', score: 0.71 }, { label: 'quince' }])
        const [first] = kept
        const photo = await store.blobs.get(first?.photoSha256 ?? '')
        expect(Buffer.from(photo).equals(correction.photo)).toBe(true)
        expect(await registry.referencedBlobs()).toContain(first?.photoSha256)
      })

      it.each([
        ['label_invalid', { label: ' ' }],
        ['label_invalid', { label: 'x'.repeat(300) }],
        ['model_unknown', { model: 'nope' }],
        ['version_unknown', { version: 'v9' }],
      ])('are refused as %s for %j', async (code, change) => {
        const { registry, store } = await openNew()
        await registry.createModel('fruits', { keepCorrections: true })
        await registry.register({ model: 'fruits', files: bundleFiles(1) })
        await expect(addCorrection(store, { ...correction, ...change })).rejects.toMatchObject({
          code,
        })
        expect(await listCorrections(store, 'fruits')).toEqual([])
      })
    })
  })
}
