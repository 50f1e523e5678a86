import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findFolderCandidates } from './folder-candidates.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'verger-folder-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), '')
  }
}

/** `path = label`, with `@split` where there is one. */
async function find(glob?: string): Promise<string[]> {
  const { candidates } = await findFolderCandidates(root, glob === undefined ? {} : { glob })
  return candidates.map(({ path, label, split }) =>
    split === undefined ? `${path} = ${label}` : `${path} = ${label} @${split}`,
  )
}

describe('a folder of photos', () => {
  it('takes the folder of a photo as its label, at any depth', async () => {
    write('fruit/apple/red/1.jpg', 'fruit/apple/2.jpg', 'pear/1.png', 'pear/notes.txt')
    expect(await find()).toEqual([
      'fruit/apple/2.jpg = apple',
      'fruit/apple/red/1.jpg = red',
      'pear/1.png = pear',
    ])
  })

  it('orders whole paths by code point', async () => {
    write('a/1.jpg', 'a.b/1.jpg', 'a b/1.jpg', 'B/1.jpg', '🍐/1.jpg', '\uffee/1.jpg')
    expect(await find()).toEqual([
      'B/1.jpg = B',
      'a b/1.jpg = a b',
      'a.b/1.jpg = a.b',
      'a/1.jpg = a',
      '\uffee/1.jpg = \uffee',
      '🍐/1.jpg = 🍐',
    ])
  })

  it('says which photos have no label', async () => {
    write('1.jpg', '2.jpg', 'apple/1.jpg')
    const { candidates, findings } = await findFolderCandidates(root)
    expect(candidates.map(({ path }) => path)).toEqual(['apple/1.jpg'])
    expect(findings).toMatchObject([{ kind: 'no-label', paths: ['1.jpg', '2.jpg'] }])
  })

  it('names the file to read', async () => {
    write('apple/1.jpg')
    const { candidates, root: folder } = await findFolderCandidates(root)
    expect(folder).toBe(root)
    expect(candidates[0]?.load).toBe(join(root, 'apple/1.jpg'))
  })

  it('ends where links loop', async () => {
    write('apple/1.jpg')
    symlinkSync('..', join(root, 'apple/up'))
    symlinkSync('.', join(root, 'self'))
    expect(await find()).toEqual(['apple/1.jpg = apple'])
    expect(await find('**/*.jpg')).toEqual(['apple/1.jpg = apple'])
  })

  it('takes a folder that is named like a photo as a label', async () => {
    write('x.jpg/1.jpg')
    expect(await find()).toEqual(['x.jpg/1.jpg = x.jpg'])
  })

  it('tells how many it has found', async () => {
    write('apple/1.jpg', 'apple/2.jpg')
    const counts: number[] = []
    await findFolderCandidates(root, { onProgress: (found) => counts.push(found) })
    expect(counts).toEqual([1, 2])
  })
})

describe('a glob', () => {
  it('leaves out what does not match', async () => {
    write('apple/1.jpg', 'apple/2.png', 'pear/1.jpg', 'loose.jpg')
    expect(await find('apple/**')).toEqual(['apple/1.jpg = apple', 'apple/2.png = apple'])
    expect(await find('**/*.jpg')).toEqual(['apple/1.jpg = apple', 'pear/1.jpg = pear'])
    expect(await find('*.gif')).toEqual([])
  })
})

describe('folders that are a split', () => {
  it.each([
    ['train', 'val', 'validation'],
    ['train', 'valid', 'validation'],
    ['Training', 'Test', 'test'],
    ['train', 'validation', 'validation'],
  ])('are %s and %s', async (first, second, split) => {
    write(`${first}/apple/1.jpg`, `${second}/fruit/pear/1.jpg`)
    expect((await find()).sort()).toEqual(
      [`${first}/apple/1.jpg = apple @train`, `${second}/fruit/pear/1.jpg = pear @${split}`].sort(),
    )
  })

  it('do not give their name as a label', async () => {
    write('train/apple/1.jpg', 'train/loose.jpg', 'test/apple/1.jpg')
    const { candidates, findings } = await findFolderCandidates(root)
    expect(candidates).toHaveLength(2)
    expect(findings).toMatchObject([{ kind: 'no-label', paths: ['train/loose.jpg'] }])
  })

  it.each([
    ['one side alone', ['train/apple/1.jpg']],
    ['two spellings of one side', ['val/apple/1.jpg', 'valid/apple/1.jpg']],
    ['photos beside them', ['train/apple/1.jpg', 'test/apple/1.jpg', 'iconic/apple/1.jpg']],
    ['photos without a folder', ['train/apple/1.jpg', 'test/apple/1.jpg', '1.jpg']],
  ])('are not: %s', async (_words, names) => {
    write(...names)
    expect((await find()).filter((line) => line.includes('@'))).toEqual([])
  })

  it('may lie in folders of their own, as in an archive', async () => {
    write('fruits/v2/train/apple/1.jpg', 'fruits/v2/test/apple/1.jpg', 'fruits/v2/test/loose.jpg')
    const { candidates, findings } = await findFolderCandidates(root)
    expect(candidates.map(({ label, split }) => [label, split])).toEqual([
      ['apple', 'test'],
      ['apple', 'train'],
    ])
    expect(findings).toMatchObject([{ kind: 'no-label', paths: ['fruits/v2/test/loose.jpg'] }])
  })

  it('are recognised among what the glob leaves', async () => {
    write('train/apple/1.jpg', 'test/apple/1.jpg', 'iconic/apple/1.jpg')
    expect(await find('t*/**')).toEqual([
      'test/apple/1.jpg = apple @test',
      'train/apple/1.jpg = apple @train',
    ])
  })
})
