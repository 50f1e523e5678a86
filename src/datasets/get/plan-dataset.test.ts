import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DATASET_CATALOG } from './dataset-catalog.ts'
import { planDataset } from './plan-dataset.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-plan-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const plan = (what: string, options = {}) =>
  planDataset({ what, ...options }, { home: join(home, 'not/yet'), cwd: home })

describe('planDataset', () => {
  it.each(DATASET_CATALOG.map(({ name }) => name))(
    'knows %s with licence and page',
    async (name) => {
      const found = await plan(name)
      expect(found).toMatchObject({
        name,
        licence: expect.stringMatching(/MIT|CC BY/),
        page: expect.stringMatching(/^https:/),
        origin: { kind: 'url', url: expect.stringMatching(/^https:/), hereBytes: 0 },
        isThere: false,
      })
      expect(found.freeBytes).toBeGreaterThan(0)
    },
  )

  it.each([
    ['https://example.org/a/My%20Fruits.tar.gz?x=1#y', 'my-fruits'],
    ['https://example.org/100%/Fruits_1.2.ZIP', 'fruits_1.2'],
    ['http://example.org/..fruits.zip/', 'fruits'],
  ])('names %s %s', async (url, name) => {
    expect(await plan(url)).toMatchObject({ name, title: name, licence: 'not stated' })
  })

  it('takes a name and a licence of the caller', async () => {
    expect(await plan('https://example.org/1', { name: 'Mine', licence: 'CC0' })).toMatchObject({
      name: 'Mine',
      licence: 'CC0',
    })
  })

  it('takes any name with a file', async () => {
    writeFileSync(join(home, 'fruits.zip'), 'PK')
    expect(await plan('mine', { from: 'fruits.zip' })).toMatchObject({
      origin: { kind: 'file', file: join(home, 'fruits.zip') },
      sizeBytes: 2,
    })
  })

  it.each([
    ['an unknown name', 'fruits-350', {}, 'dataset_not_found'],
    ['another protocol', 'ftp://example.org/x.zip', {}, 'usage_invalid'],
    ['a password', 'https://me:secret@example.org/x.zip', {}, 'usage_invalid'],
    ['a URL without a file', 'https://example.org/', {}, 'usage_invalid'],
    ['a name that climbs', 'https://example.org/x.zip', { name: '../x' }, 'usage_invalid'],
    ['a hidden name', 'https://example.org/x.zip', { name: '.x' }, 'usage_invalid'],
    ['a name that is taken', 'https://example.org/x.zip', { name: 'tf-flowers' }, 'usage_invalid'],
  ])('refuses %s', async (_words, what, options, code) => {
    await expect(plan(what, options)).rejects.toMatchObject({ code })
  })
})
