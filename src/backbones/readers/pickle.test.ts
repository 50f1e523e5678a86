import { describe, expect, it } from 'vitest'
import { VergerError } from '../../core/errors.ts'
import { sourceOf } from './byte-source.ts'
import { globalName, type PickleHandlers, readPickle } from './pickle.ts'

const HANDLERS: PickleHandlers = {
  classes: {
    'collections.OrderedDict': () => new Map(),
    'orchard.Pair': (left, right) => ({ left, right }),
  },
  persistentLoad: (id) => ({ id }),
}
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const read = (text: string) => readPickle(sourceOf(latin1(text)), 0, HANDLERS).value

function refusalOf(text: string): VergerError {
  try {
    read(text)
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('the pickle was accepted')
}

/** `pickle.dumps(OrderedDict(a=[1, 300, -5, 70000, 0.5, True, False, None], b=(…)), protocol=2)`, made by Python 3.11. */
const EVERY_KIND =
  '\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01(X\x01\0\0\0aq\x02]q\x03(K\x01M,\x01J\xfb\xff\xff\xffJp\x11\x01\0' +
  'G?\xe0\0\0\0\0\0\0\x88\x89NeX\x01\0\0\0bq\x04(K\x01K\x02K\x03K\x04tq\x05u.'

describe('readPickle', () => {
  it('reads every kind of value that a state dict holds', () => {
    expect(read(EVERY_KIND)).toEqual(
      new Map<string, unknown>([
        ['a', [1, 300, -5, 70_000, 0.5, true, false, null]],
        ['b', [1, 2, 3, 4]],
      ]),
    )
  })

  it.each([
    ['an empty dictionary', '}.', new Map()],
    ['an empty list', '].', []],
    ['a dictionary of one item', '}K\x01K\x02s.', new Map([[1, 2]])],
    ['a list of one item', ']K\x07a.', [7]],
    ['tuples of one, two and three', 'K\x01\x85K\x02\x86K\x03K\x04\x87.', [[[1], 2], 3, 4]],
    ['a value from the memo', 'K\x05q\x09K\x06h\x09\x86.', undefined],
    ['a value from the long memo', 'K\x05r\x09\0\0\0j\x09\0\0\0\x86.', [5, 5]],
    ['a long whole number', '\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 0x1950a86a20f9469cfc6cn],
    ['a negative long', '\x8a\x01\xff.', -1n],
    ['a persistent id', 'X\x01\0\0\0kQ.', { id: 'k' }],
    ['texts of protocol 4', '\x80\x04\x95\0\0\0\0\0\0\0\0\x8c\x01a\x94h\0\x86.', ['a', 'a']],
    [
      'a class by two texts',
      '\x8c\x07orchard\x8c\x04Pair\x93K\x01K\x02\x86R.',
      { left: 1, right: 2 },
    ],
    ['a set', '\x8f(K\x01K\x02\x90.', [1, 2]],
    ['texts of Python 2', 'U\x01aT\x01\0\0\0b\x86.', ['a', 'b']],
    ['a value that is dropped', 'K\x01K\x020.', 1],
    ['an object with its state', 'corchard\nPair\nK\x01K\x02\x86R}b.', { left: 1, right: 2 }],
  ])('reads %s', (words, text, value) => {
    if (words === 'a value from the memo') expect(read(text)).toEqual([6, 5])
    else expect(read(text)).toEqual(value)
  })

  it('starts at an offset and says where the next pickle begins', () => {
    const bytes = sourceOf(latin1('....K\x01.K\x02.'))
    const first = readPickle(bytes, 4, HANDLERS)
    expect(first).toEqual({ value: 1, end: 7 })
    expect(readPickle(bytes, first.end, HANDLERS)).toEqual({ value: 2, end: 10 })
  })

  it('gives a class as a name', () => {
    expect(globalName(read('ctorch\nFloatStorage\n.'))).toBe('torch.FloatStorage')
    expect(globalName('torch.FloatStorage')).toBeUndefined()
  })
})

describe('a pickle that wants more than data', () => {
  it.each([
    ['os.system', 'cposix\nsystem\n(X\x02\0\0\0idtR.', 'posix.system'],
    ['eval', 'c__builtin__\neval\nX\x01\0\0\x001\x85R.', '__builtin__.eval'],
    ['a name of our own objects', 'c__proto__\nconstructor\n)R.', '__proto__.constructor'],
    ['an object', 'cposix\nsystem\n)\x81.', 'posix.system'],
    ['a class by two texts', '\x8c\x05posix\x8c\x06system\x93)R.', 'posix.system'],
  ])('is refused with the name of the class: %s', (_words, text, name) => {
    const error = refusalOf(text)
    expect(error.code).toBe('model_unsupported')
    expect(error.message).toContain(`the class ${name}, which is not allowed`)
    expect(error.hint).toContain('executes no code')
  })

  it.each([
    ['a call of a text', 'X\x02\0\0\0id)R.', 'a call of something else than a class'],
    [
      'more arguments than any class has',
      `corchard\nPair\n(${'N'.repeat(17)}tR.`,
      'a call of something else than a class',
    ],
    ['a class whose name is no text', 'K\x01K\x02\x93.', 'a class without name'],
    ['INST', '(iposix\nsystem\n.', 'the opcode 0x69, which is not allowed'],
    ['OBJ', '(cposix\nsystem\no.', 'the opcode 0x6f, which is not allowed'],
    ['an extension', '\x82\x01.', 'the opcode 0x82, which is not allowed'],
    ['a byte that is no opcode', '\xff.', 'the opcode 0xff, which is not allowed'],
  ])('is refused: %s', (_words, text, received) => {
    const error = refusalOf(text)
    expect(error.code).toBe('model_invalid')
    expect(error.message).toContain(received)
    expect(error.hint).toContain('executes no code')
  })

  it('is refused before it can fill the memory', () => {
    const lists = ']'.repeat(17 * 2 ** 20)
    expect(refusalOf(lists).message).toContain('more than the 16777216 bytes')
  })
})

describe('a pickle that is broken', () => {
  it('is refused wherever it ends', () => {
    for (let length = 0; length < EVERY_KIND.length; length++) {
      expect(refusalOf(EVERY_KIND.slice(0, length)).code).toBe('model_invalid')
    }
  })

  it.each([
    ['items without a mark', '}u.'],
    ['a tuple without a mark', 't.'],
    ['items for a list', ']K\x01K\x02s.'],
    ['an item for nothing', 'K\x01a.'],
    ['an item for a number', 'K\x01K\x02a.'],
    ['items for a number', 'K\x01(K\x02e.'],
    ['a mark that lies above the stack', '](K\x01.'],
    ['a text longer than the file', 'X\xff\xff\xff\xffa.'],
    ['a name without its line break', 'ccollections\nOrderedDict'],
  ])('is refused or read, never stuck: %s', (_words, text) => {
    try {
      read(text)
    } catch (error) {
      expect(error).toMatchObject({ code: 'model_invalid' })
    }
  })
})
