import { describe, expect, test } from 'vitest'
import { pageOf, parsePage } from './pages.ts'

const names = ['a', 'b', 'c', 'd', 'e']
const page = (query: object, items = names, isNewestFirst = false) =>
  pageOf(items, parsePage(query), {
    name: 'models',
    keyOf: (name) => name,
    show: (name) => name,
    isNewestFirst,
  }) as { models?: string[]; nextPageToken?: string }

describe('pages', () => {
  test('are empty objects where there is nothing', () => expect(page({}, [])).toEqual({}))

  test('hold 20 by default and 100 at most', () => {
    const many = Array.from({ length: 150 }, (_, index) => String(index).padStart(3, '0'))
    expect(page({}, many).models).toHaveLength(20)
    expect(page({ pageSize: '0' }, many).models).toHaveLength(20)
    expect(page({ pageSize: '1000' }, many).models).toHaveLength(100)
  })

  test.each([false, true])('follow each other, newest first: %s', (isNewestFirst) => {
    const items = isNewestFirst ? names.toReversed() : names
    const seen: string[] = []
    let pageToken: string | undefined
    do {
      const { models = [], nextPageToken } = page(
        { pageSize: '2', ...(pageToken === undefined ? {} : { pageToken }) },
        items,
        isNewestFirst,
      )
      seen.push(...models)
      pageToken = nextPageToken
    } while (pageToken !== undefined)
    expect(seen).toEqual(items)
  })

  test('go on behind a resource that was deleted meanwhile', () => {
    const { nextPageToken = '' } = page({ pageSize: '2' })
    expect(page({ pageToken: nextPageToken }, ['a', 'c', 'd']).models).toEqual(['c', 'd'])
  })

  test.each(['-1', '1.5', 'many'])('refuse the size %s', (pageSize) => {
    expect(() => page({ pageSize })).toThrow(/page_size/)
  })

  test.each(['x', 'e30', 'bnVsbA'])('refuse the token %s', (pageToken) => {
    expect(() => page({ pageToken })).toThrow(/page_token/)
  })
})
