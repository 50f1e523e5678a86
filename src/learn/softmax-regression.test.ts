import { describe, expect, it } from 'vitest'
import { drawLabelled, type LabelledDraw } from '../../test/support/drawn-rows.ts'
import { gatherRows } from './gather-rows.ts'
import golden from './golden-learn.json' with { type: 'json' }
import { type LinearHead, openSoftmaxSolver, type Problem } from './softmax-regression.ts'

/** What single precision can tell. */
const TIGHT = { tolerance: 1e-7, maxIterations: 2000 }
const THREADS = 1

async function solve(
  rows: LabelledDraw,
  problems: readonly Problem[],
  options: Parameters<Awaited<ReturnType<typeof openSoftmaxSolver>>['solve']>[1] = TIGHT,
): Promise<LinearHead[]> {
  const solver = await openSoftmaxSolver(rows, THREADS)
  try {
    return await solver.solve(problems, options)
  } finally {
    await solver.close()
  }
}

const ones = ({ labels }: LabelledDraw) => new Float32Array(labels.length).fill(1)

/** Largest difference between two heads. */
function differenceOf(a: LinearHead, b: LinearHead): number {
  const gaps = (x: Float32Array, y: Float32Array) => [...x].map((v, i) => Math.abs(v - (y[i] ?? 0)))
  return Math.max(...gaps(a.weights, b.weights), ...gaps(a.bias, b.bias))
}

/** The objective, in double precision. */
function objectiveOf(
  { features, width, labels, classes }: LabelledDraw,
  { rowWeights, l2 }: Problem,
  { weights, bias }: LinearHead,
): number {
  let loss = 0
  let total = 0
  for (const [row, label] of labels.entries()) {
    const logits = Array.from(bias, (start, c) => {
      let logit = start
      for (let i = 0; i < width; i++) {
        logit += features[row * width + i]! * weights[i * classes + c]!
      }
      return logit
    })
    const most = Math.max(...logits)
    const sum = logits.reduce((all, logit) => all + Math.exp(logit - most), 0)
    loss += rowWeights[row]! * (most + Math.log(sum) - logits[label]!)
    total += rowWeights[row]!
  }
  return loss / total + (l2 / 2) * weights.reduce((sum, weight) => sum + weight * weight, 0)
}

describe.each(golden.softmax)('with scikit-learn on $name', (given) => {
  const rows = drawLabelled(1, { ...given, skill: 1.5 })
  const problem: Problem = {
    rowWeights: given.isWeighted ? ones(rows).map((_, row) => (row % 4) / 2) : ones(rows),
    l2: given.l2,
  }

  it('agrees in value, weights and bias', async () => {
    const [head] = await solve(rows, [problem])
    const value = objectiveOf(rows, problem, head!)
    expect(value).toBeGreaterThan(given.value * (1 - 1e-6))
    expect(value).toBeLessThan(given.value * (1 + 1e-6))
    const theirs = {
      weights: Float32Array.from(given.weights),
      bias: Float32Array.from(given.bias),
    }
    // A weak penalty makes a flat minimum, of which single precision knows the value better than the place.
    const scale = Math.max(1, ...theirs.weights.map(Math.abs))
    const allowed = given.l2 < 1e-3 ? 4e-3 : 1.5e-3
    expect(differenceOf(head!, theirs)).toBeLessThan(allowed * scale)
  })
})

describe('the solver', () => {
  const rows = drawLabelled(8, { rows: 70, width: 5, classes: 3, skill: 1 })

  it('solves several problems as it solves one', async () => {
    const problems = [1, 0.1, 0.01, 1e-3].map((l2, p) => ({
      l2,
      rowWeights: ones(rows).map((_, row) => (row % 5 === p ? 0 : 1 + p)),
    }))
    const together = await solve(rows, problems)
    for (const [p, problem] of problems.entries()) {
      const [alone] = await solve(rows, [problem])
      expect(differenceOf(together[p]!, alone!)).toBeLessThan(1e-3)
    }
  })

  it('treats rows of weight 0 as rows that are not there', async () => {
    const kept = [...rows.labels.keys()].filter((row) => row % 3 !== 1)
    const rowWeights = ones(rows).map((_, row) => (row % 3 === 1 ? 0 : 1))
    const fewer = {
      ...rows,
      features: gatherRows(rows.features, rows.width, kept),
      labels: Int32Array.from(kept, (row) => rows.labels[row]!),
    }
    const [weighted] = await solve(rows, [{ rowWeights, l2: 0.01 }])
    const [alone] = await solve(fewer, [{ rowWeights: ones(fewer), l2: 0.01 }])
    expect(differenceOf(weighted!, alone!)).toBeLessThan(1e-3)
  })

  it('treats a row of weight 2 as two rows, and heeds ratios of weights alone', async () => {
    const twice = [...rows.labels.keys(), 0, 1, 2]
    const more = {
      ...rows,
      features: gatherRows(rows.features, rows.width, twice),
      labels: Int32Array.from(twice, (row) => rows.labels[row]!),
    }
    const rowWeights = ones(rows).map((_, row) => (row < 3 ? 2 : 1))
    const problems = [1, 1000].map((factor) => ({
      rowWeights: rowWeights.map((weight) => weight * factor),
      l2: 0.01,
    }))
    const [weighted, scaled] = await solve(rows, problems)
    const [repeated] = await solve(more, [{ rowWeights: ones(more), l2: 0.01 }])
    expect(differenceOf(weighted!, repeated!)).toBeLessThan(1e-3)
    expect(differenceOf(weighted!, scaled!)).toBeLessThan(1e-3)
  })

  it('ends at the same minimum from another start, and sooner from a near one', async () => {
    const problem = { rowWeights: ones(rows), l2: 0.01 }
    const [head] = await solve(rows, [problem])
    const far = { weights: head!.weights.map((weight) => 3 * weight + 1), bias: head!.bias }
    const [again] = await solve(rows, [{ ...problem, start: far }])
    expect(differenceOf(head!, again!)).toBeLessThan(1e-3)

    let steps = 0
    const onStep = () => void steps++
    await solve(rows, [problem], { ...TIGHT, onStep })
    const whole = steps
    steps = 0
    await solve(rows, [{ ...problem, start: head! }], { ...TIGHT, onStep })
    expect(steps).toBeLessThan(whole)
  })

  it('gives a class without rows a probability that vanishes', async () => {
    const [head] = await solve({ ...rows, classes: 4 }, [{ rowWeights: ones(rows), l2: 0.01 }])
    const absent = head!.weights.filter((_, index) => index % 4 === 3)
    expect(head!.bias[3]).toBeLessThan(Math.min(...head!.bias.slice(0, 3)) - 2)
    expect([...absent, ...head!.bias].every(Number.isFinite)).toBe(true)
  })

  it('answers with the shares of labels where features say nothing', async () => {
    const labels = Int32Array.from({ length: 40 }, (_, row) => (row < 30 ? 0 : 1))
    const blank = { features: new Float32Array(40 * 3), width: 3, labels, classes: 2 }
    const [head] = await solve(blank, [{ rowWeights: ones(blank), l2: 0.01 }])
    expect(head!.bias[0]! - head!.bias[1]!).toBeCloseTo(Math.log(3), 3)
    expect([...head!.weights]).toEqual(new Array(6).fill(0))
  })

  it('stays finite on features that are large', async () => {
    const large = { ...rows, features: rows.features.map((value) => value * 1e4) }
    const problem = { rowWeights: ones(large), l2: 1e-4 }
    const [head] = await solve(large, [problem])
    expect([...head!.weights, ...head!.bias].every(Number.isFinite)).toBe(true)
    const start = { weights: new Float32Array(15), bias: new Float32Array(3) }
    expect(objectiveOf(large, problem, head!)).toBeLessThan(objectiveOf(large, problem, start))
  })

  it('adds up blocks of rows', async () => {
    // Four problems of 2,000 classes are more than one block of 2,500 rows can hold; one alone is not.
    const many = drawLabelled(9, { rows: 2500, width: 2, classes: 2000, skill: 1 })
    const problems = [1, 2, 3, 4].map((seed) => ({
      // The last row stands for many, so that it is missed where it is left out.
      rowWeights: ones(many).map((_, row) => (row === 2499 ? 500 : ((row * seed) % 7) + 1)),
      l2: 0.01,
    }))
    const short = { tolerance: 1e-6, maxIterations: 2 }
    const together = await solve(many, problems, short)
    for (const p of [0, 3]) {
      const [alone] = await solve(many, [problems[p]!], short)
      const largest = Math.max(...alone!.weights.map(Math.abs))
      expect(largest).toBeGreaterThan(0)
      expect(differenceOf(together[p]!, alone!)).toBeLessThan(1e-3 * largest)
    }
  })

  it('ends with what a step throws, and can be closed and opened again', async () => {
    const stop = new Error('stopped')
    const throwing = () => {
      throw stop
    }
    const problem = { rowWeights: ones(rows), l2: 0.01 }
    await expect(solve(rows, [problem], { ...TIGHT, onStep: throwing })).rejects.toBe(stop)
    expect(await solve(rows, [problem])).toHaveLength(1)
  })
})
