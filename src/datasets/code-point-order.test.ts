import { describe, expect, it } from 'vitest'
import { compareCodePoints } from './code-point-order.ts'

describe('compareCodePoints', () => {
  it('orders as UTF-8 bytes do', () => {
    const texts = [
      '',
      'a',
      'ab',
      'a/b',
      'a.b',
      'B',
      'é',
      'e\u0301',
      '\uffee',
      '🍐',
      '🍐a',
      '🍎',
      '中',
    ]
    const byBytes = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect([...texts].sort(compareCodePoints)).toEqual(byBytes)
    expect([...texts].sort()).not.toEqual(byBytes)
  })

  it('finds equal texts equal', () => expect(compareCodePoints('🍐a', '🍐a')).toBe(0))
})
