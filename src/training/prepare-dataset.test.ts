import { describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import type { Finding } from '../datasets/findings.ts'
import type { ScannedPhoto } from '../datasets/scan.ts'
import { prepareDataset } from './prepare-dataset.ts'

const WIDTH = 3

/** `label:bytes`, e.g. `apple:1`: photos with the same bytes are the same. */
function photosOf(...texts: readonly string[]): ScannedPhoto[] {
  return texts.map((text, row) => {
    const [label = '', bytes = ''] = text.split(':')
    const sha256 = bytes.padStart(64, '0')
    const path = `${label}/${row}.jpg`
    return { path, sha256, sizeBytes: 1, width: 9, height: 9, label, load: path }
  })
}

function prepare(
  photos: readonly ScannedPhoto[],
  { failed = [], findings = [] }: { failed?: number[]; findings?: Finding[] } = {},
) {
  return prepareDataset(photos, findings, {
    features: Float32Array.from({ length: photos.length * WIDTH }, (_, i) => i),
    width: WIDTH,
    failed: new Map(
      failed.map((row) => [row, new VergerError('photo_corrupt', `row ${row}`, { hint: 'x' })]),
    ),
    reused: 0,
    computed: photos.length,
    damaged: 0,
  })
}

function refusal(act: () => unknown): VergerError {
  try {
    act()
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('Expected a refusal')
}

describe('prepareDataset', () => {
  it('keeps rows, labels and features together', () => {
    const photos = photosOf('pear:1', 'apple:2', 'pear:3', 'apple:4')
    const { labels, labelIds, features, photos: kept } = prepare(photos)
    expect(labels).toEqual(['apple', 'pear'])
    expect([...labelIds]).toEqual([1, 0, 1, 0])
    expect(kept).toEqual(photos)
    expect([...features]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(features.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('takes each copy once, and none that stands under two labels', () => {
    const photos = photosOf('a:1', 'a:1', 'a:2', 'b:3', 'b:9', 'a:9', 'b:4', 'a:1')
    const { photos: kept, features, labelIds, readable } = prepare(photos)
    expect(kept.map(({ path }) => path)).toEqual(['a/0.jpg', 'a/2.jpg', 'b/3.jpg', 'b/6.jpg'])
    expect([...labelIds]).toEqual([0, 0, 1, 1])
    expect([...features].filter((_, i) => i % WIDTH === 0)).toEqual([0, 6, 9, 18])
    // They are part of the dataset version all the same.
    expect(readable).toEqual(photos)
  })

  it('leaves out what cannot be read, and says so', () => {
    const photos = photosOf('a:1', 'a:2', 'a:3', 'b:4', 'b:5', 'b:6')
    const given: Finding = { kind: 'few-photos', message: 'few', paths: [], labels: ['a'] }
    const {
      photos: kept,
      findings,
      readable,
      features,
    } = prepare(photos, {
      failed: [1, 5],
      findings: [given],
    })
    expect(kept.map(({ path }) => path)).toEqual(['a/0.jpg', 'a/2.jpg', 'b/3.jpg', 'b/4.jpg'])
    expect(readable).toHaveLength(4)
    expect(findings.map(({ kind, paths }) => [kind, ...paths])).toEqual([
      ['few-photos'],
      ['broken', 'a/1.jpg'],
      ['broken', 'b/5.jpg'],
    ])
    expect(features[WIDTH]).toBe(2 * WIDTH)
  })

  it('keeps a photo whose copy under another label cannot be read', () => {
    const photos = photosOf('a:1', 'b:1', 'a:2', 'a:3', 'b:4', 'b:5')
    expect(prepare(photos, { failed: [1] }).photos[0]?.path).toBe('a/0.jpg')
  })

  it('orders labels by code points', () => {
    const labels = ['\u{1F34E}', '\uFF21', 'z', 'B', 'a', 'é']
    const photos = photosOf(...labels.flatMap((label, i) => [`${label}:${i}x`, `${label}:${i}y`]))
    expect(prepare(photos).labels).toEqual(['B', 'a', 'z', 'é', '\uFF21', '\u{1F34E}'])
  })

  it('takes a label with one photo beside two that have more', () => {
    const photos = photosOf('a:1', 'a:2', 'b:3', 'b:4', 'c:5')
    expect(prepare(photos).labels).toEqual(['a', 'b', 'c'])
  })
})

describe('a dataset that cannot be learned from', () => {
  it.each([
    ['is empty', [], /no usable photo/],
    ['has one label', ['a:1', 'a:2', 'a:3'], /only 'a'/],
    ['holds the same photo under every label', ['a:1', 'b:1', 'c:1', 'a:1'], /no usable photo/],
    ['holds copies of one photo for each label', ['a:1', 'a:1', 'b:2', 'b:2'], /received 0/],
    ['has one photo of each label', ['a:1', 'b:2', 'c:3'], /received 0/],
    ['has one label with more than one photo', ['a:1', 'a:2', 'b:3'], /received 1/],
  ])('%s', (_words, texts, message) => {
    const error = refusal(() => prepare(photosOf(...texts)))
    expect(error.code).toBe('dataset_untrainable')
    expect(error.message).toMatch(message)
  })

  it('has photos that cannot be read alone', () => {
    const error = refusal(() => prepare(photosOf('a:1', 'b:2'), { failed: [0, 1] }))
    expect(error.message).toMatch(/no usable photo/)
  })

  it('has labels that differ in form only', () => {
    const findings: Finding[] = [
      { kind: 'colliding-labels', message: 'A and a.', paths: [], labels: ['A', 'a'] },
      { kind: 'colliding-labels', message: 'é and é.', paths: [], labels: ['é', 'e\u0301'] },
    ]
    const error = refusal(() => prepare(photosOf('A:1', 'a:2', 'A:3', 'a:4'), { findings }))
    expect(error.message).toBe('A and a. é and é.')
    expect(error.details).toEqual({ labels: ['A', 'a', 'é', 'e\u0301'] })
  })
})
