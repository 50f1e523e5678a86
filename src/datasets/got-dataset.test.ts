import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GotDataset, listGotDatasets, readGotDataset } from './got-dataset.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-got-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const FRUITS: GotDataset = {
  name: 'fruits',
  title: 'Nine fruits',
  licence: 'MIT',
  source: 'https://example.org/fruits.zip',
  photos: 'photos',
  createdAt: '2026-01-31T09:00:00.000Z',
}

function write(name: string, content: string): void {
  mkdirSync(join(home, 'datasets', name), { recursive: true })
  writeFileSync(join(home, 'datasets', name, 'dataset.json'), content)
}

describe('readGotDataset', () => {
  it('reads a description', async () => {
    write('fruits', JSON.stringify(FRUITS))
    expect(await readGotDataset(home, 'fruits')).toEqual(FRUITS)
  })

  it.each(['gone', '', '.', '..', '../datasets/fruits', 'fruits/', 'a\\b', 'a\0b'])(
    'finds nothing called %j',
    async (name) => {
      write('fruits', JSON.stringify(FRUITS))
      expect(await readGotDataset(home, name)).toBeUndefined()
    },
  )

  it.each([
    ['no JSON', '{', /JSON/],
    ['no object', 'null', /no JSON object/],
    ['keys missing', '{"name":"fruits"}', /expected title as text.*expected createdAt as text/],
    [
      'a path that leads out',
      JSON.stringify({ ...FRUITS, photos: '../other' }),
      /below the folder/,
    ],
    ['an absolute path', JSON.stringify({ ...FRUITS, photos: '/etc' }), /below the folder/],
  ])('refuses a description with %s', async (_words, content, message) => {
    write('fruits', content)
    await expect(readGotDataset(home, 'fruits')).rejects.toMatchObject({
      code: 'dataset_invalid',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/get fruits/),
    })
  })
})

describe('listGotDatasets', () => {
  it('lists them by name and leaves out what is no dataset', async () => {
    expect(await listGotDatasets(home)).toEqual([])
    write('pears', JSON.stringify({ ...FRUITS, name: 'pears' }))
    write('fruits', JSON.stringify(FRUITS))
    write('damaged', '{')
    mkdirSync(join(home, 'datasets/half'))
    expect((await listGotDatasets(home)).map(({ name }) => name)).toEqual(['fruits', 'pears'])
  })
})
