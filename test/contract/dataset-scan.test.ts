/** Datasets as people have them: read by real workers from real files. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ScannedDataset, scanDataset } from '../../dist/datasets/scan.js'
import { openDatasetSource } from '../../dist/datasets/source.js'
import { DATASETS, hasDatasets, NEEDS_DATASETS } from './datasets.ts'

const PHOTOS = fileURLToPath(new URL('../fixtures/photos', import.meta.url))
const LIMITS = { photoBytes: 64 * 1024 * 1024, photoPixels: 100_000_000 }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-scan-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Puts a fixture, or other bytes, at a path of the dataset. */
function put(path: string, content: string | Uint8Array = 'baseline.jpg'): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  if (typeof content === 'string') copyFileSync(join(PHOTOS, content), file)
  else writeFileSync(file, content)
}

const baseline = readFileSync(join(PHOTOS, 'baseline.jpg'))
/** A JPEG that shows the same and has bytes of its own: a comment follows the start marker. */
function different(number: number): Uint8Array {
  const comment = Buffer.from(`photo ${number}`)
  const length = Buffer.from([0xff, 0xfe, 0, comment.length + 2])
  return Buffer.concat([baseline.subarray(0, 2), length, comment, baseline.subarray(2)])
}

const open = (options: { glob?: string } = {}) =>
  openDatasetSource('.', { cwd: folder, home: join(folder, '.home'), ...options })

const scan = async (decode = true, signal?: AbortSignal): Promise<ScannedDataset> =>
  scanDataset(await open(), {
    ...{ workers: 2, limits: LIMITS, decode },
    ...(signal === undefined ? {} : { signal }),
  })

/** `kind: path path`, the code of an error behind it. */
const summary = ({ findings }: Pick<ScannedDataset, 'findings'>) =>
  findings.map(({ kind, paths, labels, error }) =>
    error === undefined
      ? `${kind}: ${[...labels, ...paths].join(' ')}`
      : `${kind}: ${paths.join(' ')} [${error.code}]`,
  )

describe('a sound dataset', () => {
  beforeEach(() => {
    for (let index = 0; index < 40; index++) put(`apple/${index}.jpg`, different(index))
    put('pear/1.png', 'rgb.png')
    put('pear/2.webp', 'lossy.webp')
  })

  it('is read photo by photo, in the order of its paths', async () => {
    const dataset = await scan()
    expect(dataset.findings).toEqual([])
    expect(dataset.photos).toHaveLength(42)
    const paths = dataset.photos.map(({ path }) => path)
    expect(paths).toEqual([...paths].sort())
    expect(dataset.photos.at(-2)).toMatchObject({ path: 'pear/1.png', label: 'pear' })
    expect(dataset.sizeBytes).toBe(dataset.photos.reduce((sum, one) => sum + one.sizeBytes, 0))
  })

  it('has the same id from header alone, from another folder, and after another scan', async () => {
    const { id } = await scan()
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect((await scan(false)).id).toBe(id)
    const copy = `${folder}-copy`
    execFileSync('cp', ['-r', folder, copy])
    rmSync(folder, { recursive: true })
    execFileSync('mv', [copy, folder])
    expect((await scan()).id).toBe(id)
  })

  it('has another id once a photo or a label changes', async () => {
    const { id } = await scan()
    put('apple/0.jpg', different(1000))
    const changed = (await scan()).id
    execFileSync('mv', [join(folder, 'pear'), join(folder, 'quince')])
    expect(new Set([id, changed, (await scan()).id]).size).toBe(3)
  })

  it('tells how far it is', async () => {
    let read = 0
    const source = await open()
    const onProgress = (count: number) => {
      read += count
    }
    await scanDataset(source, { workers: 1, limits: LIMITS, decode: false, onProgress })
    expect(read).toBe(42)
  })

  it('stops when it is told to', async () => {
    const reason = new Error('the caller left')
    await expect(scan(true, AbortSignal.abort(reason))).rejects.toThrow('the caller left')
  })

  it('is read from a manifest too, with split and group', async () => {
    writeFileSync(
      join(folder, 'list.csv'),
      'path,label,split,group\npear/1.png,fruit,val,p\napple/0.jpg,fruit,train,\ngone.jpg,fruit,train,\n',
    )
    const source = await openDatasetSource('list.csv', { cwd: folder, home: folder })
    const dataset = await scanDataset(source, { workers: 1, limits: LIMITS, decode: true })
    expect(
      dataset.photos.map(({ path, label, split, group }) => [path, label, split, group]),
    ).toEqual([
      ['apple/0.jpg', 'fruit', 'train', undefined],
      ['pear/1.png', 'fruit', 'validation', 'p'],
    ])
    expect(summary(dataset)).toEqual(['broken: gone.jpg [photo_not_found]'])
  })
})

describe('a dataset with faults', () => {
  it('keeps what can be read when some photos are broken', async () => {
    for (let index = 0; index < 95; index++) put(`apple/${index}.jpg`, different(index))
    const broken = ['empty.jpg', 'text.jpg', 'truncated.jpg', 'truncated.png', 'corrupt.png']
    for (const [index, name] of broken.entries()) put(`apple/x${index}-${name}`, name)
    const dataset = await scan()
    expect(dataset.photos).toHaveLength(95)
    expect(summary(dataset)).toEqual([
      'broken: apple/x0-empty.jpg [photo_empty]',
      'broken: apple/x1-text.jpg [photo_format_unknown]',
      'broken: apple/x2-truncated.jpg [photo_truncated]',
      'broken: apple/x3-truncated.png [photo_truncated]',
      'broken: apple/x4-corrupt.png [photo_corrupt]',
    ])
  })

  it('names links that lead nowhere, and what is no file', async () => {
    put('apple/1.jpg', different(1))
    put('apple/2.jpg', different(2))
    put('folder.jpg/1.jpg', different(3))
    put('folder.jpg/2.jpg', different(4))
    symlinkSync('gone.jpg', join(folder, 'apple/dangling.jpg'))
    symlinkSync('loop.jpg', join(folder, 'apple/loop.jpg'))
    symlinkSync('..', join(folder, 'apple/up'))
    execFileSync('mkfifo', [join(folder, 'apple/pipe.jpg')])
    const dataset = await scan()
    expect(dataset.photos.map(({ path }) => path)).toEqual([
      'apple/1.jpg',
      'apple/2.jpg',
      'folder.jpg/1.jpg',
      'folder.jpg/2.jpg',
    ])
    expect(summary(dataset)).toEqual([
      'broken: apple/dangling.jpg [photo_not_found]',
      'broken: apple/loop.jpg [photo_unreadable]',
    ])
  })

  it('finds copies, two labels, few photos and labels that look alike', async () => {
    put('apple/1.jpg', different(1))
    put('apple/2.jpg', different(1))
    put('apple/3.jpg', different(2))
    put('Apple/1.jpg', different(3))
    put('Apple/2.jpg', different(4))
    put('pear/1.jpg', different(2))
    put('caf\u00e9/1.jpg', different(5))
    put('caf\u00e9/2.jpg', different(6))
    put('cafe\u0301/1.jpg', different(7))
    put('cafe\u0301/2.jpg', different(8))
    put('plum/1.jpg', 'empty.jpg')
    expect(summary(await scan())).toEqual([
      'broken: plum/1.jpg [photo_empty]',
      'two-labels: apple pear apple/3.jpg pear/1.jpg',
      'exact-duplicate: apple apple/1.jpg apple/2.jpg',
      'few-photos: pear pear/1.jpg',
      'few-photos: plum',
      'colliding-labels: Apple apple',
      'colliding-labels: cafe\u0301 caf\u00e9',
    ])
  })

  it('is read where every photo is the same, and where no label has enough', async () => {
    for (const name of ['1', '2', '3']) put(`apple/${name}.jpg`)
    expect(summary(await scan())).toEqual([
      'exact-duplicate: apple apple/1.jpg apple/2.jpg apple/3.jpg',
      'few-photos: apple apple/1.jpg apple/2.jpg apple/3.jpg',
    ])
    rmSync(join(folder, 'apple'), { recursive: true })
    for (let index = 0; index < 500; index++) put(`label ${index}/1.jpg`, different(index))
    const dataset = await scan()
    expect(dataset.photos).toHaveLength(500)
    expect(dataset.findings.map(({ kind }) => kind)).toEqual(new Array(500).fill('few-photos'))
  })

  it('has no photos where none can be read', async () => {
    put('apple/1.jpg', 'empty.jpg')
    const dataset = await scan()
    expect(dataset.photos).toEqual([])
    expect(summary(dataset)).toEqual(['broken: apple/1.jpg [photo_empty]', 'few-photos: apple'])
  })
})

describe('a folder without photos', () => {
  it.each([
    ['nothing in it', [], undefined, /^Expected photos in folders below .*, found none$/],
    [
      'photos without labels',
      ['1.jpg', '2.jpg'],
      undefined,
      /found 2 directly in it, without a label$/,
    ],
    [
      'photos that do not match',
      ['a/1.jpg'],
      '*.png',
      /^Expected photos that match \*\.png in .* found none$/,
    ],
  ])('is refused: %s', async (_words, paths, glob, message) => {
    for (const path of paths) put(path)
    await expect(open(glob === undefined ? {} : { glob })).rejects.toMatchObject({
      code: 'dataset_empty',
      message: expect.stringMatching(message),
    })
  })
})

describe.skipIf(!hasDatasets('fruits-360-sample', 'grocery-store'))(
  `the photo collections ${NEEDS_DATASETS}`,
  () => {
    const scanCollection = async (name: string, glob: string, decode: boolean) => {
      const source = await openDatasetSource(name, { cwd: DATASETS, home: folder, glob })
      return scanDataset(source, { workers: 2, limits: LIMITS, decode })
    }

    it('are sound but for two fruits that stand under two names', async () => {
      const dataset = await scanCollection('fruits-360-sample', '**/Apple*/*.jpg', false)
      expect(new Set(dataset.findings.map(({ labels }) => labels.join(' = ')))).toEqual(
        new Set(['Apple 21 = Apple Rotten 1', 'Apple 22 = Apple worm 1']),
      )
    })

    it('are split where their folders say so', async () => {
      const dataset = await scanCollection('grocery-store', '{train,val}/Fruit/**', true)
      expect(dataset.findings).toEqual([])
      const counts = (side: string) => dataset.photos.filter(({ split }) => split === side).length
      expect([counts('train'), counts('validation'), counts('test')]).toEqual([
        dataset.photos.filter(({ path }) => path.startsWith('train/')).length,
        dataset.photos.filter(({ path }) => path.startsWith('val/')).length,
        0,
      ])
    })
  },
)
