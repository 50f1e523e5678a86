import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createFolder,
  removeStaleTemporaries,
  toWriteError,
  writeFileAtomic,
} from './atomic-write.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-write-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('writeFileAtomic', () => {
  it('writes bytes and texts, and replaces a file', async () => {
    const path = join(folder, 'a.json')
    await writeFileAtomic(path, Uint8Array.of(1, 2))
    expect([...readFileSync(path)]).toEqual([1, 2])
    await writeFileAtomic(path, 'ü')
    expect(readFileSync(path, 'utf8')).toBe('ü')
    expect(readdirSync(folder)).toEqual(['a.json'])
  })

  it('keeps the old file and leaves nothing else when it fails', async () => {
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'taken/inside'), 'old')
    await expect(writeFileAtomic(join(folder, 'taken'), 'new')).rejects.toMatchObject({
      code: 'write_failed',
      details: { path: join(folder, 'taken') },
    })
    expect(readdirSync(folder)).toEqual(['taken'])
    expect(readFileSync(join(folder, 'taken/inside'), 'utf8')).toBe('old')
  })

  it('says which folder is not there', async () => {
    await expect(writeFileAtomic(join(folder, 'no/a'), '')).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringContaining(join(folder, 'no/a')),
    })
  })

  it('gives many writers of one file one winner, whole', async () => {
    const path = join(folder, 'a')
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000))
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)))
    expect(texts).toContain(readFileSync(path, 'utf8'))
    expect(readdirSync(folder)).toEqual(['a'])
  })

  // Root may write anywhere.
  it.skipIf(process.getuid?.() === 0)('names a folder that may not be written', async () => {
    chmodSync(folder, 0o500)
    await expect(writeFileAtomic(join(folder, 'a'), '')).rejects.toMatchObject({
      code: 'write_failed',
    })
  })
})

describe('toWriteError', () => {
  it.each([
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['EACCES', 'write_failed'],
    ['EFBIG', 'write_failed'],
  ])('gives %s as %s', (code, expected) => {
    const cause = Object.assign(new Error(code), { code })
    expect(toWriteError(cause, '/x')).toMatchObject({ code: expected, cause })
  })
})

describe('createFolder', () => {
  it('creates folders above too, with the mode, and accepts one that is there', async () => {
    await createFolder(join(folder, 'a/b'), { mode: 0o700 })
    await createFolder(join(folder, 'a/b'))
    expect(readdirSync(join(folder, 'a'))).toEqual(['b'])
  })

  it('refuses the place of a file', async () => {
    writeFileSync(join(folder, 'a'), '')
    await expect(createFolder(join(folder, 'a/b'))).rejects.toMatchObject({ code: 'write_failed' })
  })
})

describe('removeStaleTemporaries', () => {
  it('removes what was left more than a day ago, and nothing else', async () => {
    const left = ['.a.0123456789ab.tmp', '.b.0123456789ab.tmp', 'c.tmp', '.hidden']
    for (const name of left) writeFileSync(join(folder, name), '')
    const twoDaysAgo = new Date(Date.now() - 48 * 3600_000)
    for (const name of left.slice(1)) utimesSync(join(folder, name), twoDaysAgo, twoDaysAgo)
    await removeStaleTemporaries(folder)
    expect(readdirSync(folder).sort()).toEqual(['.a.0123456789ab.tmp', '.hidden', 'c.tmp'])
  })
})
