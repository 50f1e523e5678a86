/**
 * Reads the data part of Python's pickle format and executes nothing: an opcode or class outside the allow-lists ends
 * the reading with an error. Opcodes: CPython's `pickletools` (https://docs.python.org/3/library/pickletools.html).
 */
import { VergerError } from '../../core/errors.ts'
import type { ByteSource } from './byte-source.ts'

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

/** A state dict takes about 150 bytes a tensor; what a pickle asks for is then bounded as well. */
const MAX_PICKLE_BYTES = 16 * 2 ** 20
const WINDOW_BYTES = 64 * 2 ** 10
/** Longest name of a module or class. */
const MAX_LINE_BYTES = 1024
/** Most arguments of a call; `torch._utils._rebuild_tensor_v3` takes eight. */
const MAX_ARGUMENTS = 16

/**
 * Reads one pickle at `offset`; gives its value and the offset behind it.
 * Throws `model_unsupported` naming a class that is not allowed, `model_invalid` for all else.
 */
export function readPickle(
  source: ByteSource,
  offset: number,
  handlers: PickleHandlers,
): { value: PickleValue; end: number } {
  const stack: PickleValue[] = []
  const marks: number[] = []
  const memo = new Map<number, PickleValue>()
  const utf8 = new TextDecoder()
  let at = offset
  let window: Uint8Array = new Uint8Array()
  let windowStart = offset

  const hint =
    'Check where the file comes from: Verger reads weights only and executes no code from a file.'
  const refuse = (what: string): never => {
    throw new VergerError(
      'model_invalid',
      `Expected a pickle of tensors, received ${what} at byte ${at}`,
      { hint, details: { offset: at } },
    )
  }
  /** Steps over `count` bytes and gives them. */
  const takeBytes = (count: number): Uint8Array => {
    if (at + count > source.sizeBytes) refuse('the end of the file')
    if (at + count - offset > MAX_PICKLE_BYTES) {
      refuse(`more than the ${MAX_PICKLE_BYTES} bytes that Verger reads`)
    }
    if (at + count > windowStart + window.length) {
      window = source.read(at, Math.min(Math.max(count, WINDOW_BYTES), source.sizeBytes - at))
      windowStart = at
    }
    const start = at - windowStart
    at += count
    return window.subarray(start, start + count)
  }
  const take = (count: number): DataView => {
    const taken = takeBytes(count)
    return new DataView(taken.buffer, taken.byteOffset, count)
  }
  const takeByte = (): number => takeBytes(1)[0]!
  const takeUint32 = (): number => take(4).getUint32(0, true)
  const takeUint64 = (): number => Number(take(8).getBigUint64(0, true))
  const text = (length: number): string => utf8.decode(takeBytes(length))
  const latin1 = (length: number): string => Buffer.from(takeBytes(length)).toString('latin1')
  const line = (): string => {
    const start = at
    while (takeByte() !== 0x0a) if (at - start > MAX_LINE_BYTES) refuse('a name without end')
    const length = at - start - 1
    at = start
    const value = text(length)
    at++
    return value
  }
  const push = (value: PickleValue): void => {
    stack.push(value)
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
    if (!(callee instanceof Global) || !Array.isArray(args) || args.length > MAX_ARGUMENTS)
      return refuse('a call of something else than a class')
    const create = handlers.classes[callee.name]
    return create === undefined ? refuseClass(callee.name) : create(...args)
  }
  const refuseClass = (name: string): never => {
    throw new VergerError(
      'model_unsupported',
      `Expected a pickle of tensors, received the class ${name}, which is not allowed, at byte ${at}`,
      {
        hint: `${hint} Where the file holds a whole model that you trust, save torch.save(model.state_dict(), FILE) in Python.`,
        details: { class: name, offset: at },
      },
    )
  }

  for (;;) {
    const opcode = takeByte()
    switch (String.fromCharCode(opcode)) {
      case '\x80': // PROTO
        take(1)
        break
      case '\x95': // FRAME: the length of what follows, for readers that fetch it at once
        take(8)
        break
      case '}':
        push(new Map())
        break
      case ']':
      case ')':
      case '\x8f': // EMPTY_SET
        push([])
        break
      case '(':
        marks.push(stack.length)
        break
      case '0':
        stack.pop()
        break
      case 'q':
        memo.set(takeByte(), stack.at(-1))
        break
      case 'r':
        memo.set(takeUint32(), stack.at(-1))
        break
      case '\x94': // MEMOIZE
        memo.set(memo.size, stack.at(-1))
        break
      case 'h':
        push(memo.get(takeByte()))
        break
      case 'j':
        push(memo.get(takeUint32()))
        break
      case '\x8c':
        push(text(takeByte()))
        break
      case 'X':
        push(text(takeUint32()))
        break
      case '\x8d':
        push(text(takeUint64()))
        break
      case 'U':
        push(latin1(takeByte()))
        break
      case 'T':
        push(latin1(takeUint32()))
        break
      case 'C':
        push(latin1(takeByte()))
        break
      case 'B':
        push(latin1(takeUint32()))
        break
      case 'c':
        push(new Global(`${line()}.${line()}`))
        break
      case '\x93': {
        const [module, name] = stack.splice(-2)
        if (typeof module !== 'string' || typeof name !== 'string') refuse('a class without name')
        push(new Global(`${module}.${name}`))
        break
      }
      case 'J':
        push(take(4).getInt32(0, true))
        break
      case 'K':
        push(takeByte())
        break
      case 'M':
        push(take(2).getUint16(0, true))
        break
      case 'G':
        push(take(8).getFloat64(0, false))
        break
      case '\x8a': {
        const length = takeByte()
        let value = 0n
        for (const byte of takeBytes(length).toReversed()) value = (value << 8n) | BigInt(byte)
        push(BigInt.asIntN(8 * length, value))
        break
      }
      case '\x88':
        push(true)
        break
      case '\x89':
        push(false)
        break
      case 'N':
        push(null)
        break
      case 't':
        push(popMark())
        break
      case '\x85':
        push(stack.splice(-1))
        break
      case '\x86':
        push(stack.splice(-2))
        break
      case '\x87':
        push(stack.splice(-3))
        break
      case 'R':
      case '\x81': {
        const args = stack.pop()
        push(call(stack.pop(), args))
        break
      }
      case 'b': // BUILD: attributes of the object beneath, which no reader needs
        stack.pop()
        break
      case 'Q':
        push(handlers.persistentLoad(stack.pop()))
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
      case 'e':
      case '\x90': {
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
