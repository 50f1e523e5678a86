import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  listUnpackedArchives,
  markUnpackedUsed,
  removeUnpackedArchive,
  unpackedFolder,
} from './unpacked-archives.ts'

const LONG_AGO_MS = Date.UTC(2020, 0, 1)
const hash = (digit: string) => digit.repeat(64)

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-unpacked-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Unpacks 8 bytes in two files, long ago. */
function unpack(name: string): string {
  const folder = join(unpackedFolder(home), name)
  for (const path of ['apple/1.jpg', 'pear/deep/2.jpg']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), 'four')
  }
  utimesSync(folder, LONG_AGO_MS / 1000, LONG_AGO_MS / 1000)
  return folder
}

describe('unpacked archives', () => {
  it('are none where none was unpacked', async () => {
    expect(await listUnpackedArchives(home)).toEqual([])
  })

  it('are listed with their size and last use, those that are half unpacked are not', async () => {
    const folder = unpack(hash('a'))
    unpack(`${hash('b')}.unpacking-0123456789ab`)
    expect(await listUnpackedArchives(home)).toEqual([
      { folder, sizeBytes: 8, usedAtMs: LONG_AGO_MS },
    ])
    // Looking at it is no use.
    expect((await listUnpackedArchives(home))[0]?.usedAtMs).toBe(LONG_AGO_MS)
  })

  it('are used when a path in them is opened', async () => {
    const folder = unpack(hash('a'))
    await markUnpackedUsed(home, join(folder, 'apple'))
    const [archive] = await listUnpackedArchives(home)
    expect(archive?.usedAtMs).toBeGreaterThan(Date.now() - 60_000)
  })

  it.each(['/elsewhere', '.', `../${hash('a')}`])('leave %s alone', async (path) => {
    unpack(hash('a'))
    await markUnpackedUsed(home, join(unpackedFolder(home), path))
    expect((await listUnpackedArchives(home))[0]?.usedAtMs).toBe(LONG_AGO_MS)
  })

  it('are removed one by one, in full', async () => {
    const folder = unpack(hash('a'))
    unpack(hash('b'))
    const archives = await listUnpackedArchives(home)
    for (const archive of archives) {
      if (archive.folder === folder) await removeUnpackedArchive(archive)
    }
    expect(existsSync(folder)).toBe(false)
    expect(readdirSync(unpackedFolder(home))).toEqual([hash('b')])
  })
})
