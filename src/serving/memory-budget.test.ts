import { describe, expect, it } from 'vitest'
import { MemoryBudget } from './memory-budget.ts'

function setUp(capacityBytes: number) {
  const gone: string[] = []
  const busy = new Set<string>()
  const budget = new MemoryBudget(capacityBytes)
  const item = (name: string, bytes: number) => ({
    bytes,
    isBusy: () => busy.has(name),
    evict: () => void gone.push(name),
  })
  return { gone, busy, budget, item }
}

describe('a budget', () => {
  it('lets what was not used longest go', () => {
    const { gone, budget, item } = setUp(100)
    const [a, b, c] = [item('a', 40), item('b', 40), item('c', 40)]
    for (const each of [a, b, a, c]) budget.use(each)
    expect(gone).toEqual(['b'])
    expect(budget.bytes).toBe(80)
  })

  it('keeps what is busy, and what was asked for however large it is', () => {
    const { gone, busy, budget, item } = setUp(100)
    const [a, b] = [item('a', 60), item('b', 60)]
    budget.use(a)
    busy.add('a')
    budget.use(b)
    expect(gone).toEqual([])
    busy.delete('a')
    budget.use(item('c', 500))
    expect(gone).toEqual(['a', 'b'])
    expect(budget.bytes).toBe(500)
  })

  it('forgets what was removed', () => {
    const { gone, budget, item } = setUp(100)
    const a = item('a', 60)
    budget.use(a)
    budget.remove(a)
    budget.remove(a)
    budget.use(item('b', 60))
    expect(gone).toEqual([])
    expect(budget.bytes).toBe(60)
  })
})
