import { describe, expect, it } from 'vitest'
import { type Evaluation, type LbfgsOptions, lbfgs } from './lbfgs.ts'
import { createRandom } from './random.ts'

type Objective = (point: Float32Array) => Evaluation

const TIGHT: LbfgsOptions = { tolerance: 1e-6, maxIterations: 500 }

/** Answers the minimiser and counts how often it asked. */
function minimise(objective: Objective, start: readonly number[], options = TIGHT) {
  const minimiser = lbfgs(Float32Array.from(start), options)
  const asked: Float32Array[] = []
  let step = minimiser.next()
  while (step.done !== true) {
    asked.push(step.value)
    step = minimiser.next(objective(step.value))
  }
  return { ...step.value, asked }
}

/** Σ scaleᵢ / 2 · (xᵢ − targetᵢ)² */
const quadratic =
  (scales: readonly number[], targets: readonly number[]): Objective =>
  (point) => {
    const gaps = [...point].map((x, i) => x - (targets[i] ?? 0))
    const value = gaps.reduce((sum, gap, i) => sum + ((scales[i] ?? 1) / 2) * gap * gap, 0)
    return { value, gradient: Float32Array.from(gaps, (gap, i) => (scales[i] ?? 1) * gap) }
  }

const rosenbrock: Objective = ([x = 0, y = 0]) => ({
  value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
  gradient: Float32Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
})

const lengthOf = (values: Float32Array) => Math.hypot(...values)

describe('lbfgs', () => {
  it('finds the minimum of a round quadratic in a few steps', () => {
    const { point, value, iterations } = minimise(quadratic([1, 1, 1], [3, -2, 0.5]), [0, 0, 0])
    expect([...point].map((x) => Math.round(x * 1e5) / 1e5)).toEqual([3, -2, 0.5])
    expect(value).toBeLessThan(1e-10)
    expect(iterations).toBeLessThanOrEqual(3)
  })

  it('finds the minimum of a quadratic of n dimensions within a few times n iterations', () => {
    const n = 20
    const scales = Array.from({ length: n }, (_, i) => 1 + i)
    const targets = Array.from({ length: n }, (_, i) => Math.sin(i))
    const { point, iterations } = minimise(quadratic(scales, targets), new Array(n).fill(0))
    for (const [i, x] of point.entries()) expect(x).toBeCloseTo(targets[i] ?? 0, 5)
    expect(iterations).toBeLessThan(2 * n)
  })

  it('copes with curvatures of one to ten thousand', () => {
    const scales = [1, 10, 100, 1e3, 1e4]
    const targets = [1, -1, 1, -1, 1]
    const { point, iterations } = minimise(quadratic(scales, targets), [0, 0, 0, 0, 0], {
      tolerance: 1e-8,
      maxIterations: 500,
    })
    for (const [i, x] of point.entries()) expect(x).toBeCloseTo(targets[i] ?? 0, 3)
    expect(iterations).toBeLessThan(200)
  })

  it('follows the valley of Rosenbrock to its end', () => {
    const { point, value } = minimise(rosenbrock, [-1.2, 1])
    expect(point[0]).toBeCloseTo(1, 3)
    expect(point[1]).toBeCloseTo(1, 3)
    expect(value).toBeLessThan(1e-6)
  })

  it.each([
    ['from a point at which the value is huge', 1e6],
    ['with a value that is tiny', 1e-6],
  ])('finds the same minimum %s', (_words, scale) => {
    const { point } = minimise(quadratic([scale, 3 * scale], [2, 5]), [-50, 80])
    expect(point[0]).toBeCloseTo(2, 3)
    expect(point[1]).toBeCloseTo(5, 3)
  })

  it('never gives a point that is worse than one it asked for before', () => {
    const random = createRandom(5)
    for (let round = 0; round < 20; round++) {
      const start = [4 * random.next() - 2, 4 * random.next() - 2]
      const { value, point, asked } = minimise(rosenbrock, start, {
        tolerance: 1e-4,
        maxIterations: 1 + random.integer(30),
      })
      expect(value).toBe(rosenbrock(point).value)
      for (const candidate of asked) {
        expect(value).toBeLessThanOrEqual(rosenbrock(candidate).value)
      }
    }
  })

  it('asks for the start first and leaves it as it was', () => {
    const start = Float32Array.of(1, 2)
    const minimiser = lbfgs(start, TIGHT)
    const first = minimiser.next()
    expect(first.value).toEqual(Float32Array.of(1, 2))
    minimiser.next(rosenbrock(start))
    expect(start).toEqual(Float32Array.of(1, 2))
  })

  it('asks once where the start is the minimum', () => {
    const { asked, iterations, point } = minimise(quadratic([1, 1], [7, 8]), [7, 8])
    expect(asked).toHaveLength(1)
    expect(iterations).toBe(0)
    expect(point).toEqual(Float32Array.of(7, 8))
  })

  it('stops after as many iterations as it may', () => {
    expect(minimise(rosenbrock, [-1.2, 1], { tolerance: 0, maxIterations: 4 }).iterations).toBe(4)
    const none = minimise(rosenbrock, [-1.2, 1], { tolerance: 0, maxIterations: 0 })
    expect(none.point).toEqual(Float32Array.of(-1.2, 1))
    expect(none.asked).toHaveLength(1)
  })

  it('stops where the gradient is short enough', () => {
    const objective = quadratic([1, 2, 50], [1, 2, 3])
    const start = [-5, 6, 2]
    const first = lengthOf(objective(Float32Array.from(start)).gradient)
    const { point } = minimise(objective, start, { tolerance: 0.01, maxIterations: 100 })
    expect(lengthOf(objective(point).gradient)).toBeLessThanOrEqual(0.01 * first)

    const loose = minimise(objective, start, {
      tolerance: 0.01,
      referenceGradient: 1e6,
      maxIterations: 100,
    })
    expect(loose.iterations).toBe(0)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'steps back from points whose value is %s',
    (unusable) => {
      // −log is not there for what is not positive; its minimum with a slope of 10 lies at 0.1.
      const barrier: Objective = ([x = 0]) =>
        x <= 0
          ? { value: unusable, gradient: Float32Array.of(Number.NaN) }
          : { value: 10 * x - Math.log(x), gradient: Float32Array.of(10 - 1 / x) }
      expect(minimise(barrier, [0.9]).point[0]).toBeCloseTo(0.1, 4)
    },
  )

  it('gives the best point found where no step goes down', () => {
    // A gradient that points the wrong way.
    const lying: Objective = ([x = 0]) => ({ value: x, gradient: Float32Array.of(-1) })
    const { point, iterations, asked } = minimise(lying, [3])
    expect(point).toEqual(Float32Array.of(3))
    expect(iterations).toBe(0)
    expect(asked.length).toBeLessThan(20)
  })

  it('answers alike when minimisers take turns', () => {
    const objectives = [rosenbrock, quadratic([1, 9], [4, 4])]
    const alone = objectives.map((objective) => minimise(objective, [0, 3]).point)
    const minimisers = objectives.map(() => lbfgs(Float32Array.of(0, 3), TIGHT))
    const steps = minimisers.map((minimiser) => minimiser.next())
    while (steps.some(({ done }) => done !== true)) {
      for (const [i, step] of steps.entries()) {
        const [objective, minimiser] = [objectives[i], minimisers[i]]
        if (step.done === true || objective === undefined || minimiser === undefined) continue
        steps[i] = minimiser.next(objective(step.value))
      }
    }
    expect(steps.map(({ value }) => ('point' in value ? value.point : value))).toEqual(alone)
  })
})
