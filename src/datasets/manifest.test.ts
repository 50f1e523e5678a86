import { describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { type DatasetPhoto, encodeManifest, manifestId, parseManifest } from './manifest.ts'

const HASH = '0123456789abcdef'.repeat(4)
const PEAR: DatasetPhoto = {
  path: 'pear/1.jpg',
  sha256: HASH,
  sizeBytes: 3392,
  width: 100,
  height: 80,
  label: 'pear',
}
const APPLE: DatasetPhoto = {
  ...PEAR,
  path: 'apple/1.jpg',
  label: 'apple',
  split: 'validation',
  group: 'tree 7',
}

const text = (photos: readonly DatasetPhoto[]) => Buffer.from(encodeManifest(photos)).toString()

describe('encodeManifest', () => {
  it('writes one line a photo, by path, keys in one order', () => {
    const { group, split, label, ...rest } = APPLE
    const mixed = { group, split, label, ...rest } as DatasetPhoto
    expect(text([PEAR, mixed])).toBe(
      `{"path":"apple/1.jpg","sha256":"${HASH}","sizeBytes":3392,"width":100,"height":80,"label":"apple","split":"validation","group":"tree 7"}\n` +
        `{"path":"pear/1.jpg","sha256":"${HASH}","sizeBytes":3392,"width":100,"height":80,"label":"pear"}\n`,
    )
  })

  it('orders by code point and keeps Unicode forms apart', () => {
    const paths = ['🍐.jpg', 'é.jpg', 'e\u0301.jpg', 'z.jpg', '\uffee.jpg']
    const lines = parseManifest(encodeManifest(paths.map((path) => ({ ...PEAR, path }))))
    expect(lines.map(({ path }) => path)).toEqual([
      'e\u0301.jpg',
      'z.jpg',
      'é.jpg',
      '\uffee.jpg',
      '🍐.jpg',
    ])
  })

  it('writes nothing for no photos', () => expect(text([])).toBe(''))
})

describe('manifestId', () => {
  it('is known', () => {
    expect(manifestId([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  it('does not depend on the order of the photos', () => {
    expect(manifestId([PEAR, APPLE])).toBe(manifestId([APPLE, PEAR]))
  })

  it.each([
    ['path', { path: 'pear/2.jpg' }],
    ['bytes', { sha256: HASH.replace('0', '1') }],
    ['label', { label: 'Pear' }],
    ['split', { split: 'train' }],
    ['group', { group: 'tree 8' }],
  ] as const)('changes with the %s', (_words, change) => {
    expect(manifestId([{ ...PEAR, ...change }])).not.toBe(manifestId([PEAR]))
  })
})

describe('parseManifest', () => {
  it('gives back what was written', () => {
    const odd = { ...PEAR, path: 'pear/"\n\u2028.jpg', label: ' p,"e\tr ' }
    expect(parseManifest(encodeManifest([PEAR, APPLE, odd]))).toEqual([APPLE, odd, PEAR])
    expect(parseManifest(encodeManifest([]))).toEqual([])
  })

  it('names every fault with its line', () => {
    const line = (change: object) => JSON.stringify({ ...PEAR, ...change })
    const lines = [
      line({}),
      '{',
      '[1]',
      line({ path: '' }),
      line({ label: 7 }),
      line({ sha256: 'abc' }),
      line({ width: 0 }),
      line({ split: 'dev' }),
      line({ group: '' }),
    ]
    let faults: unknown
    try {
      parseManifest(Buffer.from(lines.join('\n')))
    } catch (error) {
      if (error instanceof VergerError) faults = [error.code, error.details['faults']]
    }
    expect(faults).toEqual([
      'dataset_invalid',
      [
        'line 2: expected a JSON object',
        'line 3: expected a path, received undefined',
        'line 4: expected a path, received ""',
        'line 5: expected a label, received 7',
        'line 6: expected a SHA-256, received "abc"',
        'line 7: expected sizeBytes, width and height as whole numbers from 1',
        'line 8: expected a split among train, validation, test, received "dev"',
        'line 9: expected a group, received ""',
      ],
    ])
  })

  it.each([
    ['twice', [PEAR, PEAR], /line 2: pear\/1.jpg stands on the line before too/],
    ['out of order', [PEAR, APPLE], /line 2: apple\/1.jpg belongs before pear\/1.jpg/],
  ])('refuses a path that stands %s', (_words, photos, message) => {
    const lines = photos.map((photo) => JSON.stringify(photo)).join('\n')
    expect(() => parseManifest(Buffer.from(lines))).toThrow(message)
  })

  it('refuses bytes that are no text', () => {
    expect(() => parseManifest(Buffer.from([0xff, 0xfe]))).toThrow(/UTF-8/)
  })
})
