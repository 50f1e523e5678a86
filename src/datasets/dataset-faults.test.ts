import { describe, expect, it } from 'vitest'
import { findDatasetFaults } from './dataset-faults.ts'

const photo = (path: string, sha256: string) => ({ path, sha256, label: path.split('/')[0] ?? '' })
const labelsOf = (photos: readonly { readonly label: string }[], ...more: string[]) =>
  new Set([...photos.map(({ label }) => label), ...more])

describe('findDatasetFaults', () => {
  it('finds nothing wrong with a sound dataset', () => {
    const photos = ['a/1', 'a/2', 'b/1', 'b/2'].map((path) => photo(path, path))
    expect(findDatasetFaults(photos, labelsOf(photos))).toEqual([])
  })

  it('finds copies under one label', () => {
    const photos = [photo('a/1', 'x'), photo('a/2', 'x'), photo('a/3', 'x'), photo('a/4', 'y')]
    expect(findDatasetFaults(photos, labelsOf(photos))).toEqual([
      {
        kind: 'exact-duplicate',
        message: 'The same bytes in 3 files of "a"',
        paths: ['a/1', 'a/2', 'a/3'],
        labels: ['a'],
      },
    ])
  })

  it('finds the same bytes under several labels', () => {
    const photos = ['c/1', 'a/1', 'b/1'].map((path) => photo(path, 'x'))
    const more = ['a/2', 'b/2', 'c/2'].map((path) => photo(path, path))
    const all = [...photos, ...more]
    expect(findDatasetFaults(all, labelsOf(all))).toEqual([
      {
        kind: 'two-labels',
        message: 'The same bytes stand under 3 labels: "a", "b" and "c"',
        paths: ['c/1', 'a/1', 'b/1'],
        labels: ['a', 'b', 'c'],
      },
    ])
  })

  it.each([
    ['1 photo', [photo('a/1', 'x')]],
    ['2 photos with the same bytes', [photo('a/1', 'x'), photo('a/2', 'x')]],
    ['no photo that can be read', []],
  ])('finds a label with %s', (words, photos) => {
    const findings = findDatasetFaults(photos, labelsOf(photos, 'a'))
    expect(findings.filter(({ kind }) => kind === 'few-photos')).toEqual([
      {
        kind: 'few-photos',
        message: `Label "a" has ${words}: at least 2 different ones are needed to learn it and to measure it`,
        paths: photos.map(({ path }) => path),
        labels: ['a'],
      },
    ])
  })

  it.each([
    ['case', ['Apple', 'apple'], '"Apple" and "apple"'],
    ['Unicode form', ['caf\u00e9', 'cafe\u0301'], '"cafe\\u0301" and "caf\\u00e9"'],
    ['spaces', ['kiwi', 'kiwi '], '"kiwi" and "kiwi "'],
    ['case and form', ['CAFE\u0301', 'caf\u00e9'], '"CAFE\u0301" and "caf\u00e9"'],
  ])('finds labels that differ in %s only', (_words, labels, named) => {
    const photos = labels.flatMap((label) =>
      ['1', '2'].map((name) => photo(`${label}/${name}`, label + name)),
    )
    expect(findDatasetFaults(photos, labelsOf(photos))).toEqual([
      {
        kind: 'colliding-labels',
        message: `Labels ${named} differ in case, spaces at the ends or Unicode form only and are taken as 2 labels`,
        paths: [],
        labels: [...labels].sort(),
      },
    ])
  })
})
