import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

/** Adds `count` items `a0`, `a1`, … to the group `a`. */
function fill(queue: FairQueue<string>, group: string, count: number): void {
  for (let index = 0; index < count; index++) queue.add(group, `${group}${index}`)
}

function takeAll(queue: FairQueue<string>): (string | undefined)[] {
  return Array.from({ length: queue.size }, () => queue.take())
}

describe('groups that wait', () => {
  it('take turns, each in its own order', () => {
    const queue = new FairQueue<string>(10)
    fill(queue, 'a', 4)
    fill(queue, 'b', 2)
    fill(queue, 'c', 1)
    expect(takeAll(queue)).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3'])
    expect(queue.take()).toBeUndefined()
  })

  it('lose an item that is taken out, and their turn with their last', () => {
    const queue = new FairQueue<string>(10)
    fill(queue, 'a', 2)
    fill(queue, 'b', 1)
    queue.remove('a', 'a0')
    queue.remove('b', 'b0')
    queue.remove('b', 'b0')
    queue.remove('c', 'c0')
    expect(queue.size).toBe(1)
    expect(takeAll(queue)).toEqual(['a1'])
  })
})

describe('a full queue', () => {
  it('of one group has no room for it', () => {
    const queue = new FairQueue<string>(4)
    expect(queue.judge('a', 4)).toBeUndefined()
    expect(queue.judge('a', 5)).toBe('full')
    fill(queue, 'a', 4)
    expect(queue.judge('a', 1)).toBe('full')
  })

  it('gives another group its share, at the cost of what came last', () => {
    const queue = new FairQueue<string>(4)
    fill(queue, 'a', 4)
    expect(queue.judge('b', 2)).toBeUndefined()
    expect(queue.judge('b', 3)).toBe('share')
    expect([queue.add('b', 'b0'), queue.add('b', 'b1')]).toEqual(['a3', 'a2'])
    expect(queue.judge('b', 1)).toBe('share')
    expect(queue.judge('a', 1)).toBe('share')
    expect(takeAll(queue)).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  it('of fair shares never holds more than its capacity', () => {
    const queue = new FairQueue<string>(3)
    const added = []
    for (const group of ['a', 'b', 'c', 'd', 'e', 'a', 'b', 'c', 'd', 'e']) {
      if (queue.judge(group, 1) === undefined) added.push(queue.add(group, group))
      expect(queue.size).toBeLessThanOrEqual(3)
    }
    expect(added).toEqual([undefined, undefined, undefined])
    expect(queue.judge('d', 1)).toBe('full')
  })

  it('gives everything once it is cleared', () => {
    const queue = new FairQueue<string>(4)
    fill(queue, 'a', 2)
    fill(queue, 'b', 1)
    expect(queue.clear()).toEqual(['a0', 'a1', 'b0'])
    expect([queue.size, queue.sizeOf('a')]).toEqual([0, 0])
  })
})
