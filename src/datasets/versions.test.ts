import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore, type Store } from '../store/store.ts'
import { type DatasetPhoto, manifestId } from './manifest.ts'
import { listDatasetVersions, loadDatasetVersion, saveDatasetVersion } from './versions.ts'

let home = ''
let store: Store
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'verger-versions-'))
  store = await openStore({ home })
})
afterEach(async () => {
  await store.close()
  rmSync(home, { recursive: true, force: true })
})

function makePhotos(...labels: string[]): DatasetPhoto[] {
  return labels.map((label, index) => ({
    path: `${label}/${index}.jpg`,
    sha256: 'ab'.repeat(32),
    sizeBytes: 100,
    width: 10,
    height: 20,
    label,
  }))
}

const save = (name: string, photos: readonly DatasetPhoto[], root = `/photos/${name}`) =>
  saveDatasetVersion(store, { name, root, source: root, photos, sizeBytes: 100 * photos.length })

describe('a dataset version', () => {
  const photos = makePhotos('apple', 'apple', 'pear')

  it('is named by its manifest and gives back its photos', async () => {
    const saved = await save('fruits', photos)
    expect(saved).toMatchObject({
      id: manifestId(photos),
      name: 'fruits',
      root: '/photos/fruits',
      photoCount: 3,
      labelCount: 2,
      sizeBytes: 300,
    })
    expect(await loadDatasetVersion(store, saved.id)).toEqual({ ...saved, photos })
  })

  it('survives the process', async () => {
    const saved = await save('fruits', photos)
    await store.close()
    store = await openStore({ home })
    expect(await listDatasetVersions(store)).toEqual([saved])
  })

  it('is saved once and remembers where it was seen last', async () => {
    const first = await save('fruits', photos)
    const again = await save('copy', photos, '/elsewhere')
    expect(again).toEqual({ ...first, name: 'copy', root: '/elsewhere', source: '/elsewhere' })
    expect(await listDatasetVersions(store)).toEqual([again])
  })

  it('is found by the start of its id and by its name', async () => {
    const { id } = await save('fruits', photos)
    for (const word of [id.slice(0, 6), id.slice(0, 12), id, 'fruits']) {
      expect((await loadDatasetVersion(store, word)).id).toBe(id)
    }
  })

  it.each(['abcde', 'gone', '', 'ffffffff'])('is not found as %j', async (word) => {
    await save('fruits', photos)
    await expect(loadDatasetVersion(store, word)).rejects.toMatchObject({
      code: 'dataset_not_found',
    })
  })

  it('is not guessed where two start alike', async () => {
    const { id } = await save('fruits', photos)
    const twin = `${id.slice(0, 20)}${'0'.repeat(44)}`
    await store.db
      .insertInto('datasets')
      .values({
        ...(await store.db.selectFrom('datasets').selectAll().executeTakeFirstOrThrow()),
        id: twin,
      })
      .execute()
    await expect(loadDatasetVersion(store, id.slice(0, 20))).rejects.toMatchObject({
      code: 'dataset_ambiguous',
    })
    expect((await loadDatasetVersion(store, id)).id).toBe(id)
  })

  it('says when its manifest is gone', async () => {
    const { id } = await save('fruits', photos)
    await store.blobs.delete(id)
    await expect(loadDatasetVersion(store, id)).rejects.toMatchObject({ code: 'blob_missing' })
  })
})
