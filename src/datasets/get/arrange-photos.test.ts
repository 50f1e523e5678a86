import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readManifestFile } from '../manifest-file.ts'
import { arrangePhotos } from './arrange-photos.ts'
import { DATASET_CATALOG, type Layout } from './dataset-catalog.ts'

let files: string
beforeEach(() => {
  files = mkdtempSync(join(tmpdir(), 'verger-arrange-'))
})
afterEach(() => rmSync(files, { recursive: true, force: true }))

function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(files, path)), { recursive: true })
    writeFileSync(join(files, path), path)
  }
}

function layoutOf(name: string): Layout {
  const layout = DATASET_CATALOG.find((dataset) => dataset.name === name)?.layout
  if (layout === undefined) throw new Error(`no ${name}`)
  return layout
}

describe('arrangePhotos', () => {
  it('keeps the two sides of Fruits-360', async () => {
    put('fruits-360-100x100-main/README.md')
    put('fruits-360-100x100-main/Training/Apple 1, red/r0_1_100.jpg')
    put('fruits-360-100x100-main/Test/Apple 1, red/r0_2_100.jpg')
    put('fruits-360-100x100-main/Test/Pear 2/r0_3_100.jpg')
    const { path, count } = await arrangePhotos(files, layoutOf('fruits-360'))
    expect([relative(files, path), count]).toEqual(['fruits-360-100x100-main/manifest.csv', 3])
    expect((await readManifestFile(path)).candidates).toMatchObject([
      { path: 'Test/Apple 1, red/r0_2_100.jpg', label: 'Apple 1, red', split: 'test' },
      { path: 'Test/Pear 2/r0_3_100.jpg', label: 'Pear 2', split: 'test' },
      { path: 'Training/Apple 1, red/r0_1_100.jpg', label: 'Apple 1, red', split: 'train' },
    ])
  })

  it('keeps the three sides of Grocery Store', async () => {
    const root = 'GroceryStoreDataset-master/dataset'
    put('GroceryStoreDataset-master/sample_images/x.jpg')
    const lines = (side: string) =>
      `${side}/Fruit/Pear/Anjou/Anjou_001.jpg, 21, 9\r\n${side}/Packages/Milk/Milk_001.jpg, 44, 12\n`
    for (const [list, side] of [
      ['train', 'train'],
      ['val', 'val'],
      ['test', 'test'],
    ] as const) {
      put(
        `${root}/${side}/Fruit/Pear/Anjou/Anjou_001.jpg`,
        `${root}/${side}/Packages/Milk/Milk_001.jpg`,
      )
      writeFileSync(join(files, root, `${list}.txt`), lines(side))
    }
    const { path, count } = await arrangePhotos(files, layoutOf('grocery-store'))
    expect([relative(files, path), count]).toEqual([`${root}/manifest.csv`, 6])
    expect(readFileSync(path, 'utf8').split('\n').slice(0, 3)).toEqual([
      'path,label,split',
      'train/Fruit/Pear/Anjou/Anjou_001.jpg,Anjou,train',
      'train/Packages/Milk/Milk_001.jpg,Milk,train',
    ])
    const splits = (await readManifestFile(path)).candidates.map(({ split }) => split)
    expect(splits).toEqual(['test', 'test', 'train', 'train', 'validation', 'validation'])
  })

  it('finds the folder that holds the flowers', async () => {
    for (const kind of ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']) {
      put(`flower_photos/${kind}/1.jpg`)
    }
    const { path, count } = await arrangePhotos(files, layoutOf('tf-flowers'))
    expect([relative(files, path), count]).toEqual(['flower_photos', 5])
  })

  it.each(DATASET_CATALOG)('says what it found instead of $name', async ({ layout }) => {
    put('apple/1.jpg', 'pear/1.jpg')
    await expect(arrangePhotos(files, layout)).rejects.toMatchObject({
      code: 'archive_invalid',
      message: expect.stringContaining('received apple, pear'),
    })
  })
})
