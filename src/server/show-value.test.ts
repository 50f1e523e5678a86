import { expect, test } from 'vitest'
import { showValue } from './show-value.ts'

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  [1n, '1'],
  [Number.NaN, 'NaN'],
  ['a"b', '"a\\"b"'],
  [{ a: [1, { b: [[]], c: [[2]] }] }, '{"a":[1,{"b":[…],"c":[…]}]}'],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9], '[1,2,3,4,5,6,7,8,…]'],
  [JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), '[[[[…]]]]'],
])('a value is shown in part', (value, text) => {
  expect(showValue(value)).toBe(text)
})

test('a long value is cut', () => {
  expect(showValue({ x: 'y'.repeat(1e6) })).toHaveLength(100)
})
