import { describe, expect, it } from 'vitest'
import { VergerError } from '../../core/errors.ts'
import { type ObservedCall, observeCalls } from './observe-calls.ts'

class Shelf {
  readonly size = 3
  #taken = 0
  async take(name: string): Promise<string> {
    if (name === 'none') throw new VergerError('blob_missing', 'Expected a blob, found none')
    return `${name} ${++this.#taken}`
  }
  count(): number {
    return this.#taken
  }
  async *list() {
    yield this.#taken
  }
}

function observe() {
  const calls: ObservedCall[] = []
  return { shelf: observeCalls(new Shelf(), (call) => calls.push(call)), calls }
}

describe('an observed object', () => {
  it('answers as before, and its calls are timed', async () => {
    const { shelf, calls } = observe()
    expect(await shelf.take('apple')).toBe('apple 1')
    expect(calls).toEqual([{ operation: 'take', seconds: expect.any(Number), result: 'ok' }])
    expect(calls[0]?.seconds).toBeGreaterThanOrEqual(0)
  })

  it('fails as before, and the code of its error is told', async () => {
    const { shelf, calls } = observe()
    await expect(shelf.take('none')).rejects.toMatchObject({ code: 'blob_missing' })
    expect(calls).toMatchObject([{ operation: 'take', result: 'blob_missing' }])
  })

  it('leaves alone what is no promise', async () => {
    const { shelf, calls } = observe()
    expect(shelf.size).toBe(3)
    expect(shelf.count()).toBe(0)
    for await (const taken of shelf.list()) expect(taken).toBe(0)
    expect(calls).toEqual([])
  })
})
