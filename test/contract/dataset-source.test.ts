/** Every way to name a dataset. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { strToU8, type Zippable, zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { scanDataset } from '../../dist/datasets/scan.js'
import { openDatasetSource } from '../../dist/datasets/source.js'
import { saveDatasetVersion } from '../../dist/datasets/versions.js'
import { openStore } from '../../dist/store/store.js'

const PHOTO = readFileSync(
  fileURLToPath(new URL('../fixtures/photos/baseline.jpg', import.meta.url)),
)
const LIMITS = { photoBytes: 64 * 1024 * 1024, photoPixels: 100_000_000 }

let cwd = ''
let home = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'verger-source-'))
  home = join(cwd, 'home')
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function put(path: string, content: string | Uint8Array = PHOTO): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true })
  writeFileSync(join(cwd, path), content)
}

const open = (reference: string, options: { glob?: string } = {}) =>
  openDatasetSource(reference, { cwd, home, ...options })

const paths = ({ candidates }: Awaited<ReturnType<typeof open>>) =>
  candidates.map(({ path, label }) => `${path} = ${label}`)

describe('a folder', () => {
  it('is opened by its path', async () => {
    put('fruits/apple/1.jpg')
    for (const reference of ['fruits', './fruits/', join(cwd, 'fruits')]) {
      const source = await open(reference)
      expect(source).toMatchObject({
        name: 'fruits',
        source: join(cwd, 'fruits'),
        root: join(cwd, 'fruits'),
      })
      expect(paths(source)).toEqual(['apple/1.jpg = apple'])
    }
    expect(existsSync(home)).toBe(false)
  })
})

describe('an archive', () => {
  const files: Zippable = {
    'fruits/apple/1.jpg': PHOTO,
    'fruits/pear/1.jpg': PHOTO,
    'fruits/readme.txt': strToU8('Fruits.'),
    '__MACOSX/fruits/apple/._1.jpg': strToU8('not a photo'),
  }

  it('is unpacked once, under its hash', async () => {
    const archive = zipSync(files)
    put('fruits.zip', archive)
    const source = await open('fruits.zip')
    expect(source).toMatchObject({
      name: 'fruits',
      source: join(cwd, 'fruits.zip'),
      root: join(home, 'unpacked', sha256(archive)),
    })
    expect(paths(source)).toEqual(['fruits/apple/1.jpg = apple', 'fruits/pear/1.jpg = pear'])
    // What is there already is taken as it is.
    rmSync(join(source.root, 'fruits/pear'), { recursive: true })
    expect(paths(await open('fruits.zip'))).toEqual(['fruits/apple/1.jpg = apple'])
    expect(readdirSync(join(home, 'unpacked'))).toEqual([sha256(archive)])
  })

  it('is unpacked once by many at the same time', async () => {
    put('fruits.zip', zipSync(files))
    const sources = await Promise.all([1, 2, 3, 4].map(() => open('fruits.zip')))
    for (const source of sources) expect(source.candidates).toHaveLength(2)
    expect(readdirSync(join(home, 'unpacked'))).toHaveLength(1)
  })

  it('that climbs out is refused and leaves nothing', async () => {
    put('evil.zip', zipSync({ 'apple/1.jpg': PHOTO, '../../evil.jpg': PHOTO }))
    await expect(open('evil.zip')).rejects.toMatchObject({ code: 'archive_unsafe' })
    expect(readdirSync(join(home, 'unpacked'))).toEqual([])
    expect(existsSync(join(home, 'evil.jpg'))).toBe(false)
  })

  it('that is none is refused', async () => {
    put('fruits.zip', strToU8('nothing'))
    await expect(open('fruits.zip')).rejects.toMatchObject({ code: 'archive_invalid' })
  })
})

describe('a manifest', () => {
  it('is opened by its path', async () => {
    put('lists/fruits.jsonl', '{"path": "a/1.jpg", "label": "apple"}\n')
    const source = await open('lists/fruits.jsonl')
    expect(source).toMatchObject({ name: 'fruits', root: join(cwd, 'lists') })
    expect(paths(source)).toEqual(['a/1.jpg = apple'])
  })

  it('takes no glob', async () => {
    put('fruits.csv', 'path,label\n1.jpg,apple\n')
    await expect(open('fruits.csv', { glob: '*' })).rejects.toMatchObject({ code: 'usage_invalid' })
  })

  it('that lists nothing is refused', async () => {
    put('fruits.csv', 'path,label\n')
    await expect(open('fruits.csv')).rejects.toMatchObject({ code: 'dataset_empty' })
  })
})

describe('a dataset that was got', () => {
  const describeDataset = (photos: string) =>
    JSON.stringify({
      ...{ name: 'fruits', title: 'Fruits', licence: 'MIT', source: 'https://example.org', photos },
      createdAt: '2026-01-31T09:00:00.000Z',
    })

  it('is opened by its name', async () => {
    put('home/datasets/fruits/photos/apple/1.jpg')
    put('home/datasets/fruits/dataset.json', describeDataset('photos'))
    const source = await open('fruits')
    expect(source).toMatchObject({ name: 'fruits', source: 'fruits' })
    expect(paths(source)).toEqual(['apple/1.jpg = apple'])
  })

  it('may hold a manifest, which leads nowhere else', async () => {
    put('home/datasets/fruits/dataset.json', describeDataset('list.csv'))
    put('home/datasets/fruits/list.csv', 'path,label\nphotos/1.jpg,apple\n')
    expect(paths(await open('fruits'))).toEqual(['photos/1.jpg = apple'])
    put('home/datasets/fruits/list.csv', 'path,label\n../../secret.jpg,apple\n')
    await expect(open('fruits')).rejects.toMatchObject({ code: 'dataset_invalid' })
  })

  it('comes after a folder of the same name', async () => {
    put('home/datasets/fruits/photos/apple/1.jpg')
    put('home/datasets/fruits/dataset.json', describeDataset('photos'))
    put('fruits/pear/1.jpg')
    expect(paths(await open('fruits'))).toEqual(['pear/1.jpg = pear'])
  })
})

describe('a saved version', () => {
  it('is opened by the start of its id, with its splits and groups', async () => {
    put('list.csv', 'path,label,split,group\na/1.jpg,apple,train,tree\na/2.jpg,apple,,\n')
    put('a/1.jpg')
    put('a/2.jpg')
    const source = await open('list.csv')
    const scanned = await scanDataset(source, { workers: 1, limits: LIMITS, decode: false })
    const store = await openStore({ home })
    await saveDatasetVersion(store, scanned).finally(() => store.close())

    for (const reference of [scanned.id, scanned.id.slice(0, 6)]) {
      const saved = await open(reference)
      expect(saved).toMatchObject({ name: 'list', root: cwd, version: scanned.id })
      expect(saved.candidates).toEqual(source.candidates)
      const again = await scanDataset(saved, { workers: 1, limits: LIMITS, decode: false })
      expect(again.id).toBe(scanned.id)
    }
  })
})

describe('what is no dataset', () => {
  it.each(['fruits', 'fruits.zip', './x', '', 'abcdef', 'a'.repeat(64), '../../..//nope'])(
    'is not found: %j',
    async (reference) => {
      await expect(open(reference)).rejects.toMatchObject({
        code: 'dataset_not_found',
        hint: expect.stringMatching(/verger datasets list/),
      })
      expect(existsSync(home)).toBe(false)
    },
  )

  it('is refused where it is a file of another kind', async () => {
    put('photo.jpg')
    await expect(open('photo.jpg')).rejects.toMatchObject({ code: 'dataset_invalid' })
    cpSync(join(cwd, 'photo.jpg'), join(cwd, 'table.xlsx'))
    await expect(open('table.xlsx')).rejects.toMatchObject({ code: 'dataset_invalid' })
  })
})
