/**
 * Reads the data part of Python's pickle format and executes nothing: an opcode or class outside the allow-lists ends
 * the reading with an error. Opcodes: CPython's `pickletools` (https://docs.python.org/3/library/pickletools.html).
 */
import { VergerError } from '../../core/errors.ts'

/** What reading a pickle may call: constructors by `module.name`, and the resolver of persistent ids. */
export interface PickleHandlers {
  readonly classes: Readonly<Record<string, (...args: PickleValue[]) => PickleValue>>
  persistentLoad(id: PickleValue): PickleValue
}

// biome-ignore lint/suspicious/noExplicitAny: a pickle holds values of any shape; readers check what they take out.
export type PickleValue = any

class Global {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** Reads one pickle at `offset`; gives its value and the offset behind it. Throws `backbone_damaged`. */
export function readPickle(
  bytes: Uint8Array,
  offset: number,
  handlers: PickleHandlers,
): { value: PickleValue; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stack: PickleValue[] = []
  const marks: number[] = []
  const memo = new Map<number, PickleValue>()
  let at = offset

  const refuse = (what: string): never => {
    throw new VergerError(
      'backbone_damaged',
      `Expected a pickle of tensors, received ${what} at byte ${at}`,
      {
        hint: 'Check where the file comes from: Verger reads weights only and executes no code from a file.',
        details: { offset: at },
      },
    )
  }
  const take = (count: number): number => {
    const start = at
    if (start + count > bytes.length) refuse('the end of the file')
    at += count
    return start
  }
  const text = (length: number): string => {
    const start = take(length)
    return new TextDecoder().decode(bytes.subarray(start, start + length))
  }
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) refuse('an unfinished line')
    const value = text(end - at)
    at++
    return value
  }
  const popMark = (): PickleValue[] =>
    stack.splice(marks.pop() ?? refuse('an item without its mark'))
  const setItems = (target: PickleValue, items: PickleValue[]): void => {
    if (!(target instanceof Map)) refuse('items for something that is no dictionary')
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1])
  }
  const append = (target: PickleValue, items: PickleValue[]): void => {
    if (!Array.isArray(target)) refuse('items for something that is no list')
    for (const item of items) target.push(item)
  }
  const call = (callee: PickleValue, args: PickleValue): PickleValue => {
    if (!(callee instanceof Global) || !Array.isArray(args))
      return refuse('a call of something else than a class')
    const create = handlers.classes[callee.name]
    return create ? create(...args) : refuse(`the class ${callee.name}, which is not allowed,`)
  }

  for (;;) {
    const opcode = bytes[take(1)]!
    switch (String.fromCharCode(opcode)) {
      case '\x80': // PROTO
        take(1)
        break
      case '}':
        stack.push(new Map())
        break
      case ']':
      case ')':
        stack.push([])
        break
      case '(':
        marks.push(stack.length)
        break
      case 'q':
        memo.set(bytes[take(1)]!, stack.at(-1))
        break
      case 'r':
        memo.set(view.getUint32(take(4), true), stack.at(-1))
        break
      case 'h':
        stack.push(memo.get(bytes[take(1)]!))
        break
      case 'j':
        stack.push(memo.get(view.getUint32(take(4), true)))
        break
      case 'X':
        stack.push(text(view.getUint32(take(4), true)))
        break
      case 'c':
        stack.push(new Global(`${line()}.${line()}`))
        break
      case 'J':
        stack.push(view.getInt32(take(4), true))
        break
      case 'K':
        stack.push(bytes[take(1)])
        break
      case 'M':
        stack.push(view.getUint16(take(2), true))
        break
      case 'G':
        stack.push(view.getFloat64(take(8), false))
        break
      case '\x8a': {
        const length = bytes[take(1)]!
        const start = take(length)
        let value = 0n
        for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]!)
        stack.push(BigInt.asIntN(8 * length, value))
        break
      }
      case '\x88':
        stack.push(true)
        break
      case '\x89':
        stack.push(false)
        break
      case 'N':
        stack.push(null)
        break
      case 't':
        stack.push(popMark())
        break
      case '\x85':
        stack.push(stack.splice(-1))
        break
      case '\x86':
        stack.push(stack.splice(-2))
        break
      case '\x87':
        stack.push(stack.splice(-3))
        break
      case 'R': {
        const args = stack.pop()
        stack.push(call(stack.pop(), args))
        break
      }
      case 'b': // BUILD: attributes of the object beneath, which no reader needs
        stack.pop()
        break
      case 'Q':
        stack.push(handlers.persistentLoad(stack.pop()))
        break
      case 's': {
        const item = stack.splice(-2)
        setItems(stack.at(-1), item)
        break
      }
      case 'u': {
        const items = popMark()
        setItems(stack.at(-1), items)
        break
      }
      case 'a': {
        const item = stack.splice(-1)
        append(stack.at(-1), item)
        break
      }
      case 'e': {
        const items = popMark()
        append(stack.at(-1), items)
        break
      }
      case '.':
        return { value: stack.pop(), end: at }
      default:
        refuse(`the opcode 0x${opcode.toString(16)}, which is not allowed,`)
    }
  }
}

/** The name of a class that stands in a pickle as a value, e.g. the storage type of a tensor. */
export function globalName(value: PickleValue): string | undefined {
  return value instanceof Global ? value.name : undefined
}
