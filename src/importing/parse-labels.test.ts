import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseLabels, readLabels } from './parse-labels.ts'

describe('parseLabels', () => {
  it.each([
    ['one a line', 'apple\npear\n', ['apple', 'pear']],
    ['lines of Windows, behind a mark', '\uFEFFapple\r\npear\r\n\r\n', ['apple', 'pear']],
    ['numbers before them', '0 apple\n1 red pear\n', ['apple', 'red pear']],
    ['a number that is a name', '7 up\ncola', ['7 up', 'cola']],
    ['a list in JSON', '["apple", "pear"]', ['apple', 'pear']],
    ['an object in JSON', '{"0": "apple", "1": "pear"}', ['apple', 'pear']],
    [
      'the index of Keras',
      '{"0": ["n0", "tench"], "1": ["n1", "goldfish"]}',
      ['tench', 'goldfish'],
    ],
  ])('reads %s', (_words, text, labels) => {
    expect(parseLabels(text)).toEqual(labels)
  })

  it.each([
    ['nothing', ''],
    ['an empty line between two', 'apple\n\npear'],
    ['a list of numbers', '[1, 2]'],
    ['an object with other keys', '{"apple": 0}'],
    ['an object with a gap', '{"0": "apple", "2": "pear"}'],
    ['broken JSON', '["apple"'],
  ])('refuses %s', (_words, text) => {
    expect(() => parseLabels(text)).toThrow(expect.objectContaining({ code: 'label_invalid' }))
  })
})

describe('readLabels', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verger-labels-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('takes a file, a list, or the name of a set', async () => {
    writeFileSync(join(folder, 'labels.txt'), 'apple\npear\n')
    expect(await readLabels('labels.txt', folder)).toEqual(['apple', 'pear'])
    expect(await readLabels('apple, pear', folder)).toEqual(['apple', 'pear'])
    expect((await readLabels('imagenet', folder))[551]).toBe('face_powder')
  })

  it('refuses a file that is not there', async () => {
    await expect(readLabels('nope.txt', folder)).rejects.toMatchObject({ code: 'label_invalid' })
  })
})
