import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { VergerError } from '../core/errors.ts'
import { findPhotos } from './find-photos.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-find-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), '')
  }
}

/** Paths below `folder`; a finding is marked by its code. */
async function find(start = folder): Promise<string[]> {
  const found: string[] = []
  for await (const photo of findPhotos(start)) {
    const path = photo.path.replace(`${folder}/`, '')
    found.push('error' in photo ? `${path} [${photo.error.code}]` : path)
  }
  return found
}

describe('findPhotos', () => {
  it('goes through folders in the order of their names', async () => {
    write('b/2.jpg', 'b/10.jpg', 'a.jpg', 'B/x.jpg', 'c.jpg', 'é.jpg')
    expect(await find()).toEqual(['B/x.jpg', 'a.jpg', 'b/10.jpg', 'b/2.jpg', 'c.jpg', 'é.jpg'])
  })

  it('takes what is named like a photo, refused formats too, and leaves out the rest', async () => {
    write('a.JPG', 'b.jpeg', 'c.Png', 'd.webp', 'e.gif', 'f.TIFF', 'g.heic', 'h.bmp')
    write('notes.txt', 'jpg', '.jpg', 'list.jpg.csv', 'Thumbs.db')
    const names = ['a.JPG', 'b.jpeg', 'c.Png', 'd.webp', 'e.gif', 'f.TIFF', 'g.heic', 'h.bmp']
    expect(await find()).toEqual(names)
  })

  it('finds nothing in an empty folder', async () => {
    mkdirSync(join(folder, 'empty/inside'), { recursive: true })
    expect(await find()).toEqual([])
  })

  it.each([
    ['composed', 'caf\u00e9.jpg'],
    ['decomposed', 'cafe\u0301.jpg'],
    ['with an emoji', '🍐.jpg'],
    ['with a line break', 'two\nlines.jpg'],
    ['with a star', '*.jpg'],
    ['with a leading dash', '-v.jpg'],
    ['right to left', 'תפוח.jpg'],
  ])('keeps a name %s as it is', async (_words, name) => {
    write(name)
    expect(await find()).toEqual([name])
  })

  it('keeps composed and decomposed names apart', async () => {
    write('caf\u00e9.jpg', 'cafe\u0301.jpg')
    expect(await find()).toEqual(['cafe\u0301.jpg', 'caf\u00e9.jpg'])
  })

  it('follows links and enters each folder once', async () => {
    write('shelf/pear.jpg')
    symlinkSync(folder, join(folder, 'shelf/up'))
    symlinkSync(join(folder, 'shelf'), join(folder, 'twin'))
    symlinkSync('shelf/pear.jpg', join(folder, 'link.jpg'))
    expect(await find()).toEqual(['link.jpg', 'shelf/pear.jpg'])
  })

  it('gives a link that leads nowhere, so that reading it says so', async () => {
    symlinkSync('gone.jpg', join(folder, 'dangling.jpg'))
    symlinkSync('self.jpg', join(folder, 'self.jpg'))
    symlinkSync('gone', join(folder, 'dangling'))
    expect(await find()).toEqual(['dangling.jpg', 'self.jpg'])
  })

  it('reports a folder that is not there and ends', async () => {
    expect(await find(join(folder, 'gone'))).toEqual(['gone [photo_unreadable]'])
  })
})

describe.skipIf(process.platform !== 'linux')(
  'a name that is not UTF-8 (Linux alone allows it)',
  () => {
    const latin1 = (name: string) => Buffer.from(`${folder}/${name}`, 'latin1')

    it('is a finding, and the photos beside it are found', async () => {
      write('apple.jpg', 'zucchini.jpg')
      writeFileSync(latin1('p\xeache.jpg'), '')
      expect(await find()).toEqual([
        'apple.jpg',
        'p\ufffdche.jpg [photo_unreadable]',
        'zucchini.jpg',
      ])
    })

    it('is a finding on a folder too', async () => {
      mkdirSync(latin1('p\xeaches'))
      expect(await find()).toEqual(['p\ufffdches [photo_unreadable]'])
    })

    it('says what to do', async () => {
      writeFileSync(latin1('p\xeache.jpg'), '')
      const errors: VergerError[] = []
      for await (const photo of findPhotos(folder)) if ('error' in photo) errors.push(photo.error)
      expect(errors.map(({ hint }) => hint)).toEqual([expect.stringMatching(/^Rename the file/)])
    })
  },
)
