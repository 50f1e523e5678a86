import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { readManifestFile } from './manifest-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-manifest-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
  return file
}

const read = async (name: string, content: string, options = {}) =>
  (await readManifestFile(write(name, content), options)).candidates.map(
    ({ load: _load, ...candidate }) => candidate,
  )

async function faultsOf(name: string, content: string | Uint8Array, options = {}) {
  return readManifestFile(write(name, content), options).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof VergerError)) throw error
      expect(error.code).toBe('dataset_invalid')
      return error.details['faults'] ?? error.message
    },
  )
}

const PHOTOS = [
  { path: 'a/1.jpg', label: 'apple', split: 'train', group: 'tree 1' },
  { path: 'b/1.jpg', label: 'pear' },
]

describe('a CSV manifest', () => {
  it.each([
    ['as it should be', 'path,label,split,group\nb/1.jpg,pear,,\na/1.jpg,apple,train,tree 1\n'],
    [
      'with a byte-order mark and other line ends',
      '\ufeffPath,LABEL,Split,Group\r\nb/1.jpg,pear,,\r\na/1.jpg,apple,Training,tree 1\r\n',
    ],
    [
      'with other columns in another order',
      'id,label,group,split,path\n7,pear,,,b/1.jpg\n8,apple,tree 1,train,./a//1.jpg\n',
    ],
    ['with cells left out', 'path,label,split,group\n\nb/1.jpg,pear\na/1.jpg,apple,train,tree 1\n'],
  ])('is read %s', async (_words, content) => {
    expect(await read('m.csv', content)).toEqual(PHOTOS)
  })

  it('keeps labels as they are', async () => {
    const labels = [' apple', 'Apple', 'caf\u00e9', 'cafe\u0301', 'a, "b"\nc']
    const rows = labels.map((label, index) => `${index}.jpg,"${label.replaceAll('"', '""')}"\n`)
    const photos = await read('m.csv', `path,label\n${rows.join('')}`)
    expect(photos.map(({ label }) => label)).toEqual(labels)
  })

  it('names every fault with its line', async () => {
    const rows = [
      'path,label,split',
      'a.jpg,apple,train',
      ',apple,train',
      'b.jpg,,train',
      'c.jpg,pear,dev',
      './a.jpg,apple,dev',
      '/etc/d.jpg,pear,',
      'C:\\e.jpg,,holdout',
    ]
    expect(await faultsOf('m.csv', rows.join('\n'))).toEqual([
      'line 3: expected a path, received none',
      'line 4: expected a label, received none',
      "line 5: expected a split among train, validation, test, received 'dev'",
      "line 6: expected a split among train, validation, test, received 'dev'",
      'line 6: ./a.jpg stands on line 2 already',
      'line 7: expected a path from the folder of the manifest, received /etc/d.jpg',
      'line 8: expected a path from the folder of the manifest, received C:\\e.jpg',
      'line 8: expected a label, received none',
      "line 8: expected a split among train, validation, test, received 'holdout'",
    ])
  })

  it.each([
    ['label', 'path,class\n', ["line 1: expected a column 'label', received path, class"]],
    [
      'both',
      '',
      [
        "line 1: expected a column 'path', received nothing",
        "line 1: expected a column 'label', received nothing",
      ],
    ],
    [
      'one label only',
      'path,label,Label\n',
      ["line 1: expected one column 'label', received several"],
    ],
  ])('says which columns are wrong: %s', async (_words, content, faults) => {
    expect(await faultsOf('m.csv', content)).toEqual(faults)
  })

  it('says where quotes are wrong', async () => {
    expect(await faultsOf('m.csv', 'path,label\na.jpg,"apple\n')).toEqual([
      expect.stringMatching(/quote.* line 2/i),
    ])
  })

  it('names few of many faults in the message and keeps all', async () => {
    const content = `path,label\n${',x\n'.repeat(200)}`
    const error = await readManifestFile(write('m.csv', content)).catch((reason) => reason)
    expect(error.message).toMatch(/line 2: .*; line 11: .*; and 190 more$/)
    expect(error.details.faults).toHaveLength(200)
  })

  it('must be UTF-8', async () => {
    const latin1 = Buffer.from('path,label\na.jpg,p\xeache\n', 'latin1')
    expect(await faultsOf('m.csv', latin1)).toMatch(/not UTF-8/)
  })
})

describe('a JSONL manifest', () => {
  it('is read', async () => {
    const lines = [
      '{"path": "b/1.jpg", "label": "pear", "split": null, "score": 7}',
      '',
      '{"Path": "a/1.jpg", "LABEL": "apple", "split": "train", "group": "tree 1"}\r',
    ]
    expect(await read('m.jsonl', lines.join('\n'))).toEqual(PHOTOS)
  })

  it('names every fault with its line', async () => {
    const lines = [
      '{"path": "a.jpg", "label": "apple"}',
      'path',
      '[]',
      '{"path": "b.jpg", "label": 3}',
      '{}',
    ]
    expect(await faultsOf('m.ndjson', lines.join('\n'))).toEqual([
      'line 2: expected a JSON object, received other text',
      'line 3: expected a JSON object, received another value',
      'line 4: expected label as text, received 3',
      'line 5: expected a path, received none',
      'line 5: expected a label, received none',
    ])
  })
})

describe('a path that climbs out of the folder of the manifest', () => {
  const content = 'path,label\n../photos/1.jpg,apple\n2.jpg,apple\n../../3.jpg,pear\n'

  it('moves the root up, so that every path lies below it', async () => {
    const file = write('data/lists/m.csv', content)
    const { root, candidates } = await readManifestFile(file)
    expect(root).toBe(folder)
    expect(candidates.map(({ path }) => path)).toEqual([
      '3.jpg',
      'data/lists/2.jpg',
      'data/photos/1.jpg',
    ])
    expect(candidates.map((one) => one.load)).toEqual(
      ['3.jpg', 'data/lists/2.jpg', 'data/photos/1.jpg'].map((path) => join(folder, path)),
    )
  })

  it('is refused in a manifest of somebody else', async () => {
    expect(await faultsOf('data/lists/m.csv', content, { isConfined: true })).toEqual([
      'line 2: expected a path below the folder of the manifest, received ../photos/1.jpg',
      'line 4: expected a path below the folder of the manifest, received ../../3.jpg',
    ])
  })

  it('is found once, however it is written', async () => {
    expect(await faultsOf('m.csv', 'path,label\nx/../1.jpg,apple\n1.jpg,pear\n')).toEqual([
      'line 3: 1.jpg stands on line 2 already',
    ])
  })
})
