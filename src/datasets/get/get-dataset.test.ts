import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTarGz, createZip } from '../../../test/support/archives.ts'
import { type FileServer, sendFile, startFileServer } from '../../../test/support/file-server.ts'
import { type GetOptions, type GetResult, getDataset } from './get-dataset.ts'
import { type DatasetRequest, planDataset } from './plan-dataset.ts'

const ONE = createZip([
  { path: 'fruits/apple/1.jpg', content: 'a' },
  { path: 'fruits/pear/1.jpg', content: 'b' },
])
const TWO = createZip([{ path: 'fruits/apple/2.jpg', content: 'c' }])
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let home: string
let datasets: string
let server: FileServer
/** What the server gives. */
let served: Buffer
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'verger-get-'))
  datasets = join(home, 'datasets')
  served = ONE
  server = await startFileServer((request, response) =>
    sendFile(request, response, served, { etag: `"${hashOf(served)}"` }),
  )
})
afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

const notes: string[] = []
async function get(
  options: GetOptions = {},
  request: Partial<DatasetRequest> = {},
): Promise<GetResult> {
  const plan = await planDataset({ what: server.url, ...request }, { home, cwd: home })
  return getDataset(plan, home, { retryMs: 1, onNote: (note) => notes.push(note), ...options })
}

/** Names in the folder of the datasets; locks and half-made things must be gone. */
const namesThere = () => readdirSync(datasets).sort()

describe('getDataset', () => {
  it('downloads, unpacks and describes an archive', async () => {
    const { dataset, folder, photos, checksum, isNew } = await get({}, { licence: 'CC0' })
    expect({ photos, checksum, isNew, folder }).toEqual({
      ...{ photos: 2, checksum: 'recorded', isNew: true },
      folder: join(datasets, 'fruits'),
    })
    expect(dataset).toEqual({
      ...{ name: 'fruits', title: 'fruits', licence: 'CC0', source: server.url, photos: 'files' },
      ...{ sha256: hashOf(ONE), sizeBytes: ONE.length, createdAt: expect.stringMatching(/Z$/) },
    })
    expect(JSON.parse(readFileSync(join(folder, 'dataset.json'), 'utf8'))).toEqual(dataset)
    expect(readFileSync(join(folder, 'files/fruits/pear/1.jpg'), 'utf8')).toBe('b')
    expect(namesThere()).toEqual(['.downloads', 'checksums.json', 'fruits'])
    expect(readdirSync(join(datasets, '.downloads'))).toEqual([])
    expect(notes).toContain(
      'Over http anybody on the way can change the file; prefer an https address',
    )
  })

  it('does nothing where it is there, and gets it again by force', async () => {
    await get()
    expect(await get()).toMatchObject({ isNew: false, dataset: { name: 'fruits' } })
    expect(server.ranges).toHaveLength(1)
    expect(await get({ force: true })).toMatchObject({ isNew: true, checksum: 'same-as-before' })
    expect(server.ranges).toHaveLength(2)
  })

  it('refuses an archive that changed, and takes it without another download once accepted', async () => {
    await get()
    served = TWO
    await expect(get({ force: true })).rejects.toMatchObject({
      code: 'checksum_mismatch',
      details: { expected: hashOf(ONE), received: hashOf(TWO) },
      hint: expect.stringContaining('--accept-change'),
    })
    expect(readdirSync(join(datasets, 'fruits/files/fruits')).sort()).toEqual(['apple', 'pear'])
    expect(server.ranges).toHaveLength(2)
    expect(await get({ force: true, acceptChange: true })).toMatchObject({ checksum: 'accepted' })
    expect(server.ranges).toHaveLength(2)
    expect(readdirSync(join(datasets, 'fruits/files/fruits'))).toEqual(['apple'])
    expect(await get({ force: true })).toMatchObject({ checksum: 'same-as-before' })
  })

  it('is got once where two ask for it at once', async () => {
    const results = await Promise.all([get(), get()])
    expect(results.map(({ isNew }) => isNew).sort()).toEqual([false, true])
    expect(server.ranges).toHaveLength(1)
    expect(notes).toContain('Another process is getting fruits, or was a moment ago; waiting')
  })

  it('keeps nothing of an archive that is damaged', async () => {
    served = ONE.subarray(0, ONE.length - 30)
    await expect(get()).rejects.toMatchObject({ code: 'archive_invalid' })
    expect(namesThere()).toEqual(['.downloads'])
    expect(readdirSync(join(datasets, '.downloads'))).toEqual([])
    served = ONE
    expect(await get()).toMatchObject({ photos: 2 })
  })

  it('refuses an archive without photos', async () => {
    served = createZip([{ path: 'readme.txt', content: 'nothing to see' }])
    await expect(get()).rejects.toMatchObject({ code: 'no_photo' })
    expect(namesThere()).toEqual(['.downloads'])
  })

  it('takes an archive that is here', async () => {
    writeFileSync(join(home, 'mine.tgz'), createTarGz([{ path: 'apple/1.jpg', content: 'a' }]))
    const result = await get({}, { what: 'mine', from: 'mine.tgz' })
    expect(result).toMatchObject({ photos: 1, checksum: 'not-compared' })
    expect(result.dataset.source).toBe(join(home, 'mine.tgz'))
    expect(existsSync(join(home, 'mine.tgz'))).toBe(true)
  })

  it('refuses another archive than the published one', async () => {
    writeFileSync(join(home, 'flowers.tgz'), ONE)
    const request = { what: 'tf-flowers', from: 'flowers.tgz' }
    await expect(get({}, request)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })

  it('clears what a killed process left, and puts back what it was replacing', async () => {
    await get()
    renameSync(join(datasets, 'fruits'), join(datasets, '.old-fruits'))
    mkdirSync(join(datasets, '.new-fruits/files.unpacking-abc'), { recursive: true })
    expect(await get()).toMatchObject({ isNew: false })
    expect(namesThere()).toEqual(['.downloads', 'checksums.json', 'fruits'])
    expect(server.ranges).toHaveLength(1)
  })

  it('does not replace a folder that is none of its own', async () => {
    mkdirSync(join(datasets, 'fruits'), { recursive: true })
    writeFileSync(join(datasets, 'fruits/mine.txt'), 'mine')
    await expect(get()).rejects.toMatchObject({ code: 'dataset_invalid' })
    expect(readFileSync(join(datasets, 'fruits/mine.txt'), 'utf8')).toBe('mine')
  })

  it('says which file of checksums is damaged', async () => {
    mkdirSync(datasets)
    writeFileSync(join(datasets, 'checksums.json'), '{')
    await expect(get()).rejects.toMatchObject({
      code: 'cache_unreadable',
      message: expect.stringContaining(join(datasets, 'checksums.json')),
    })
    rmSync(join(datasets, 'checksums.json'))
    expect(await get()).toMatchObject({ photos: 2 })
    expect(server.ranges).toHaveLength(1)
  })

  it('stops where its caller aborts', async () => {
    const abort = new AbortController()
    const onProgress = () => abort.abort(new Error('enough'))
    await expect(get({ signal: abort.signal, onProgress })).rejects.toThrow('enough')
    expect(namesThere()).toEqual(['.downloads'])
  })
})
