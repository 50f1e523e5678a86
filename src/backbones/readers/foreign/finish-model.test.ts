import { describe, expect, it } from 'vitest'
import { INPUT, type LayerId } from '../../../tensor/network.ts'
import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'
import { finishModel } from './finish-model.ts'
import { NetworkDraft } from './network-draft.ts'

/** Small numbers that differ from each other. */
function tensor(...dims: number[]): FloatTensor {
  const data = Float32Array.from(
    { length: elementCount(dims) },
    (_, at) => ((at * 7) % 11) / 8 - 0.5,
  )
  return { dims, data }
}
const vector = (...values: number[]): FloatTensor => ({
  dims: [values.length],
  data: Float32Array.from(values),
})

const PLAIN = { stride: 1, padding: 'same', groups: 1 } as const

/** A stem of four filters and the mean over positions, as a map of one position. */
function stem(draft: NetworkDraft, input: LayerId = INPUT): LayerId {
  const conv = draft.conv('stem', { ...PLAIN, input }, tensor(4, 3, 3, 3))
  return draft.add({ op: 'global-average-pool', input: conv, staysMap: true }, 'pool')
}

describe('the front of a model', () => {
  it.each([
    ['a rescaling to −1 … 1', [1 / 127.5], [-1], { mean: 127.5, divisor: 127.5 }],
    ['a division by 255', [1 / 255], [0], { mean: 0, divisor: 255 }],
    ['the mean colour of levels', [1, 1, 1], [-104, -117, -124], { mean: [104, 117, 124] }],
    ['mean and deviation of shares', [4, 2, 8], [-2, -1, -4], { mean: 127.5 }],
  ])('that has %s is taken into the preprocessing', (_words, scale, offset, expected) => {
    const draft = new NetworkDraft(8, 8)
    const three = (values: number[]) => [0, 1, 2].map((at) => values[at] ?? values[0] ?? 0)
    const scaled = draft.scale('rescaling', INPUT, three(scale), three(offset))
    const output = draft.dense(
      'head',
      draft.vector('flat', stem(draft, scaled), 'fastest'),
      tensor(3, 4),
    )
    const { network, knowsScaling } = finishModel(draft, { name: 'x', output })
    expect(knowsScaling).toBe(true)
    expect(network.layers.map(({ op }) => op)).toEqual(['conv', 'global-average-pool', 'dense'])
    const { mean, divisor } = network.input
    for (const [key, value] of Object.entries(expected)) {
      const received = key === 'mean' ? mean : divisor
      expect([received].flat()[0]).toBeCloseTo([value].flat()[0] ?? 0, 4)
    }
  })

  it('stays where it comes after a padding', () => {
    const draft = new NetworkDraft(8, 8)
    const padded = draft.add({ op: 'pad', input: INPUT, padding: [1, 1, 1, 1] }, 'pad')
    const scaled = draft.scale('rescaling', padded, [1 / 255, 1 / 255, 1 / 255], [0, 0, 0])
    const output = draft.dense(
      'head',
      draft.vector('flat', stem(draft, scaled), 'fastest'),
      tensor(3, 4),
    )
    const { network, knowsScaling } = finishModel(draft, { name: 'x', output })
    expect(network.layers.map(({ op }) => op)).toContain('scale')
    expect(knowsScaling).toBe(false)
  })

  it('is refused where it is not square', () => {
    expect(() => new NetworkDraft(224, 192)).toThrow('a square input')
  })
})

describe('batch norm', () => {
  const norm = {
    mean: vector(1, 2, 3, 4),
    variance: vector(0.25, 1, 4, 16),
    gamma: vector(1, 2, 1, 0.5),
    beta: vector(0, 1, 0, -1),
    epsilon: 0,
  }

  it('is folded into the convolution before it', () => {
    const draft = new NetworkDraft(8, 8)
    const kernel = tensor(4, 3, 1, 1)
    const conv = draft.conv('stem', { ...PLAIN, input: INPUT }, kernel, vector(1, 1, 1, 1))
    const relu = draft.add({ op: 'relu', input: draft.batchNorm('norm', conv, norm) }, 'relu')
    const pooled = draft.add({ op: 'global-average-pool', input: relu }, 'pool')
    const output = draft.dense('head', pooled, tensor(2, 4))
    const { network, weights } = finishModel(draft, { name: 'x', output })
    expect(network.layers.map(({ op }) => op)).not.toContain('scale')
    const factors = [2, 2, 0.5, 0.125]
    const folded = weights.get('stem/kernel')?.data ?? []
    expect([...folded]).toEqual([...kernel.data].map((x, at) => x * (factors[(at / 3) | 0] ?? 0)))
    expect([...(weights.get('stem/bias')?.data ?? [])]).toEqual([0, -1, -1, -1.375])
    expect([...weights.keys()].filter((name) => name.startsWith('norm'))).toEqual([])
  })

  it('stays a scale where something else reads the convolution', () => {
    const draft = new NetworkDraft(8, 8)
    const conv = draft.conv('stem', { ...PLAIN, input: INPUT }, tensor(4, 3, 1, 1))
    const sum = draft.add({ op: 'add', inputs: [conv, draft.batchNorm('norm', conv, norm)] }, 'add')
    const pooled = draft.add({ op: 'global-average-pool', input: sum }, 'pool')
    const { network } = finishModel(draft, {
      name: 'x',
      output: draft.dense('head', pooled, tensor(2, 4)),
    })
    expect(network.layers.map(({ op }) => op)).toContain('scale')
  })
})

describe('the end of a model', () => {
  it('that is a convolution over one position is a dense layer', () => {
    const draft = new NetworkDraft(8, 8)
    const conv = draft.conv('logits', { ...PLAIN, input: stem(draft) }, tensor(5, 4, 1, 1))
    const softmax = draft.add(
      { op: 'softmax', input: draft.vector('squeeze', conv, 'fastest') },
      'softmax',
    )
    const { network, weights } = finishModel(draft, { name: 'x', output: softmax })
    expect(network.layers.map(({ op }) => op)).toEqual(['conv', 'global-average-pool', 'dense'])
    expect(network.outputs).toEqual({
      features: { layer: 1, width: 4 },
      logits: { layer: 2, width: 5 },
    })
    expect([...weights.keys()]).toHaveLength(4)
  })

  it('that is a sigmoid over one unit has two logits, the first of them 0', () => {
    const draft = new NetworkDraft(8, 8)
    const pooled = draft.vector('flat', stem(draft), 'fastest')
    const dense = draft.dense('head', pooled, tensor(1, 4), vector(3))
    const output = draft.add({ op: 'sigmoid', input: dense }, 'sigmoid')
    const { network, weights } = finishModel(draft, { name: 'x', output, labels: ['no', 'yes'] })
    expect(network.outputs['logits']?.width).toBe(2)
    expect([...(weights.get('head/pair/kernel')?.data ?? [])].slice(0, 4)).toEqual([0, 0, 0, 0])
    expect([...(weights.get('head/pair/bias')?.data ?? [])]).toEqual([0, 3])
  })

  it('that is no dense layer has the logits as features', () => {
    const draft = new NetworkDraft(8, 8)
    const { network } = finishModel(draft, { name: 'x', output: stem(draft) })
    expect(network.outputs['features']).toEqual(network.outputs['logits'])
    expect(network.layers).toHaveLength(2)
  })

  it.each([
    ['several labels at once', 3, 'sigmoid', 'may be true at once'],
    ['one number', 1, 'relu', 'at least two classes'],
  ] as const)('that gives %s is refused', (_words, units, op, message) => {
    const draft = new NetworkDraft(8, 8)
    const dense = draft.dense(
      'head',
      draft.vector('flat', stem(draft), 'fastest'),
      tensor(units, 4),
    )
    const output = draft.add({ op, input: dense }, 'end')
    expect(() => finishModel(draft, { name: 'x', output })).toThrow(message)
  })

  it('that is a map is refused', () => {
    const draft = new NetworkDraft(8, 8)
    const output = draft.conv('stem', { ...PLAIN, input: INPUT }, tensor(4, 3, 3, 3))
    expect(() => finishModel(draft, { name: 'x', output })).toThrow('[n, 4, 8, 8]')
  })

  it('with another number of labels than outputs is refused', () => {
    const draft = new NetworkDraft(8, 8)
    const run = () => finishModel(draft, { name: 'x', output: stem(draft), labels: ['a'] })
    expect(run).toThrow('Expected 4 labels')
  })
})
