import { describe, expect, test } from 'vitest'
import { selectFields } from './partial-response.ts'

const answer = {
  models: [
    { name: 'a', labels: { owner: 'ana', team: 'x' }, regions: ['us-central1'] },
    { name: 'b', description: 'B' },
  ],
  nextPageToken: 'more',
}

describe('selectFields', () => {
  test.each([
    [undefined, answer],
    ['', answer],
    ['nextPageToken', { nextPageToken: 'more' }],
    ['next_page_token', { nextPageToken: 'more' }],
    ['models/name', { models: [{ name: 'a' }, { name: 'b' }] }],
    [
      'models(name,labels/owner)',
      { models: [{ name: 'a', labels: { owner: 'ana' } }, { name: 'b' }] },
    ],
    [
      'models(description), models(name)',
      { models: [{ name: 'a' }, { name: 'b', description: 'B' }] },
    ],
    ['*/labels', { models: [{ labels: { owner: 'ana', team: 'x' } }, {}], nextPageToken: 'more' }],
    ['nothing', {}],
  ])('selects %s', (fields, expected) => expect(selectFields(answer, fields)).toEqual(expected))

  test.each(['(', 'a(', 'a(b', 'a)b', 'a,,b', 'a/', ','])('refuses %s', (fields) => {
    expect(() => selectFields(answer, fields)).toThrow(/fields/)
  })
})
