/** A registry of every earlier form is brought to the form of now, with all that it knew. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { listCorrections } from '../../dist/registry/corrections.js'
import { bundleFiles, createHome, openHome, openHomeRegistry } from './homes.ts'

const folder = new URL('../fixtures/registry/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.db.gz'))

function unpackHome(name: string): string {
  const home = createHome()
  mkdirSync(home)
  writeFileSync(join(home, 'verger.db'), gunzipSync(readFileSync(new URL(name, folder))))
  return home
}

describe.each(names)('the registry %s', (name) => {
  it('keeps its models, versions, defaults, history and corrections', async () => {
    const home = unpackHome(name)
    const { registry, store } = await openHomeRegistry({ home })
    const [fruits, vegetables] = await registry.listModels()
    expect(fruits).toMatchObject({
      name: 'fruits',
      description: 'Fruit at the market',
      defaultVersion: 'v2',
      keepCorrections: true,
      versions: 3,
      labels: {},
      annotations: {},
      updatedAt: fruits?.createdAt,
    })
    expect(vegetables).toMatchObject({ name: 'vegetables', description: 'Gemüse' })
    const versions = await registry.listVersions('fruits')
    expect(versions.map((version) => version.name)).toEqual(['spring', 'v3', 'v2'])
    expect(versions[2]).toMatchObject({ description: 'seed 2', labels: {} })
    expect(await registry.readHistory('fruits')).toMatchObject([
      { kind: 'rollback', from: 'v3', to: 'v2', who: 'anna', why: 'worse on plums' },
      { kind: 'set', from: 'v2', to: 'v3', who: 'ben', tookMs: undefined },
      { kind: 'set', from: 'v1', to: 'v2' },
      { kind: 'set', from: undefined, to: 'v1' },
    ])
    expect(await listCorrections(store, 'fruits')).toMatchObject([
      { version: 'v2', label: 'quince', score: 0.71 },
    ])
    const datasets = await store.db.selectFrom('datasets').select('size_bytes').execute()
    expect(datasets).toEqual([{ size_bytes: 5_000_000_000 }])
  })

  it('goes on as if it were new, and is opened again', async () => {
    const home = unpackHome(name)
    const { registry, store } = await openHomeRegistry({ home })
    expect(await registry.register({ model: 'fruits', files: bundleFiles(9) })).toMatchObject({
      name: 'v4',
    })
    await registry.setDefault('fruits', 'v4', { tookMs: 2.0004 })
    await expect(
      store.db.updateTable('default_changes').set({ why: 'x' }).execute(),
    ).rejects.toThrow('append-only')
    await store.close()
    // Whose seals are looked at.
    const again = await openHomeRegistry({ home })
    expect((await again.registry.listVersions('fruits'))[0]?.name).toBe('v4')
    expect((await again.registry.readHistory('fruits'))[0]).toMatchObject({ tookMs: 2 })
  })

  it('is brought forward once by processes that start together', async () => {
    const home = unpackHome(name)
    const stores = await Promise.all([1, 2, 3].map(() => openHome({ home })))
    for (const { db } of stores) {
      const { position } = await db
        .selectFrom('versions')
        .select('position')
        .where('name', '=', 'spring')
        .executeTakeFirstOrThrow()
      expect(position).toBe(3)
    }
  })
})
