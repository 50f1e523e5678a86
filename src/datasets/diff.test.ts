import { describe, expect, it } from 'vitest'
import { diffDatasets } from './diff.ts'
import type { DatasetPhoto } from './manifest.ts'

const photo = (path: string, bytes: string, more: Partial<DatasetPhoto> = {}): DatasetPhoto => ({
  path,
  sha256: bytes,
  sizeBytes: 1,
  width: 1,
  height: 1,
  label: path.split('/')[0] ?? '',
  ...more,
})

const NOTHING = {
  added: [],
  removed: [],
  moved: [],
  replaced: [],
  relabelled: [],
  resplit: [],
  regrouped: [],
  labels: [],
}

describe('diffDatasets', () => {
  it('finds no difference between equal versions', () => {
    const photos = [photo('a/1.jpg', 'x'), photo('b/1.jpg', 'y')]
    expect(diffDatasets(photos, [...photos].reverse())).toEqual(NOTHING)
  })

  it('tells added, removed, moved and replaced apart', () => {
    const before = [photo('a/1.jpg', 'x'), photo('a/2.jpg', 'y'), photo('a/3.jpg', 'z')]
    const after = [photo('a/1.jpg', 'other'), photo('a/9.jpg', 'y'), photo('b/1.jpg', 'new')]
    expect(diffDatasets(before, after)).toEqual({
      ...NOTHING,
      added: ['b/1.jpg'],
      removed: ['a/3.jpg'],
      moved: [{ from: 'a/2.jpg', to: 'a/9.jpg' }],
      replaced: ['a/1.jpg'],
      labels: [
        { label: 'a', before: 3, after: 2 },
        { label: 'b', before: 0, after: 1 },
      ],
    })
  })

  it('pairs copies one by one', () => {
    const before = [photo('a/1.jpg', 'x'), photo('a/2.jpg', 'x')]
    const after = [photo('a/3.jpg', 'x'), photo('a/4.jpg', 'x'), photo('a/5.jpg', 'x')]
    expect(diffDatasets(before, after)).toMatchObject({
      added: ['a/5.jpg'],
      removed: [],
      moved: [
        { from: 'a/1.jpg', to: 'a/3.jpg' },
        { from: 'a/2.jpg', to: 'a/4.jpg' },
      ],
    })
  })

  it('sees a photo that moved to the folder of another label', () => {
    const diff = diffDatasets([photo('pear/1.jpg', 'x')], [photo('quince/1.jpg', 'x')])
    expect(diff).toMatchObject({
      moved: [{ from: 'pear/1.jpg', to: 'quince/1.jpg' }],
      relabelled: [{ path: 'quince/1.jpg', from: 'pear', to: 'quince' }],
    })
  })

  it('sees another label, side and group of the same photo', () => {
    const before = [photo('a/1.jpg', 'x', { split: 'train' })]
    const after = [photo('a/1.jpg', 'x', { label: 'b', split: 'test', group: 'tree' })]
    expect(diffDatasets(before, after)).toMatchObject({
      relabelled: [{ path: 'a/1.jpg', from: 'a', to: 'b' }],
      resplit: [{ path: 'a/1.jpg', from: 'train', to: 'test' }],
      regrouped: [{ path: 'a/1.jpg', from: undefined, to: 'tree' }],
    })
  })
})
