import { describe, expect, it } from 'vitest'
import { nearestName, parseVersionPath, requireName } from './names.ts'

describe('requireName', () => {
  it.each(['a', 'jean_inception', 'Fruits-2', 'v1', 'x'.repeat(128)])('takes %s', (name) => {
    expect(() => requireName('model', name)).not.toThrow()
  })

  it.each(['', '1a', '_a', 'a b', 'a/b', '../a', 'é', 'a\n', 'x'.repeat(129)])(
    'refuses %j',
    (name) => {
      expect(() => requireName('version', name)).toThrow(
        expect.objectContaining({ code: 'name_invalid' }),
      )
    },
  )
})

describe('parseVersionPath', () => {
  it('takes a model with and without a version', () => {
    expect(parseVersionPath('fruits')).toEqual({ model: 'fruits' })
    expect(parseVersionPath('fruits/v1')).toEqual({ model: 'fruits', version: 'v1' })
  })

  it.each(['fruits/', '/v1', 'fruits/v1/x', ''])('refuses %j', (path) => {
    expect(() => parseVersionPath(path)).toThrow(expect.objectContaining({ code: 'name_invalid' }))
  })
})

describe('nearestName', () => {
  it.each([
    ['fruit', 'fruits'],
    ['FRUITS', 'fruits'],
    ['furits', 'fruits'],
    ['vegetable', 'vegetables'],
    ['zzz', undefined],
    ['cars', undefined],
  ])('for %s gives %s', (wanted, expected) => {
    expect(nearestName(wanted, ['fruits', 'vegetables'])).toBe(expected)
  })

  it('gives none of none', () => {
    expect(nearestName('a', [])).toBeUndefined()
  })
})
