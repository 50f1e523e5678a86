/**
 * Minimises a smooth convex function by limited-memory BFGS with a backtracking line search
 * (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5).
 *
 * The minimiser asks instead of calling: it yields a point and is given the value there, so that one matrix product can
 * answer many minimisers at once.
 */

/** Value and gradient of the function at the point that was asked for. */
export interface Evaluation {
  readonly value: number
  /** Owned by the minimiser from then on. */
  readonly gradient: Float32Array
}

export interface LbfgsOptions {
  /** Stops when the length of the gradient falls below this share of `referenceGradient`. */
  readonly tolerance: number
  /** Length of the gradient against which `tolerance` counts; that at the start where it is left out. */
  readonly referenceGradient?: number
  readonly maxIterations: number
}

export interface LbfgsResult {
  readonly point: Float32Array
  readonly value: number
  readonly iterations: number
}

/** Pairs of steps and gradient changes that are remembered; each costs two passes over the weights an iteration. */
const MEMORY = 5
/** Share of the decrease that the slope promises and a step must keep (Armijo). */
const SUFFICIENT_DECREASE = 1e-4
const MAX_BACKTRACKS = 12
/** Relative decrease that single-precision values no longer show. */
const FLAT = 1e-8

interface Pair {
  readonly step: Float32Array
  readonly change: Float32Array
  /** 1 / (step · change). */
  readonly rho: number
}

/** Yields the points at which it wants the function and returns the best one found. */
export function* lbfgs(
  start: Float32Array,
  { tolerance, referenceGradient, maxIterations }: LbfgsOptions,
): Generator<Float32Array, LbfgsResult, Evaluation> {
  let point = start
  let { value, gradient } = yield point
  const enough = tolerance * (referenceGradient ?? norm(gradient))
  const pairs: Pair[] = []
  let iterations = 0
  while (iterations < maxIterations && norm(gradient) > enough) {
    const direction = descent(gradient, pairs)
    const slope = dot(direction, gradient)
    let length = pairs.length === 0 ? Math.min(1, 1 / norm(gradient)) : 1
    let next: Float32Array | undefined
    let reached: Evaluation | undefined
    for (let attempt = 0; attempt < MAX_BACKTRACKS; attempt++) {
      const candidate = along(point, direction, length)
      const evaluation = yield candidate
      if (evaluation.value <= value + SUFFICIENT_DECREASE * length * slope) {
        next = candidate
        reached = evaluation
        break
      }
      // Minimum of the parabola through both values and the slope, kept away from both ends.
      const parabola =
        (-slope * length * length) / (2 * (evaluation.value - value - slope * length))
      length = Math.min(0.5 * length, Math.max(0.1 * length, parabola || 0))
    }
    if (next === undefined || reached === undefined) break
    iterations++
    remember(pairs, point, next, gradient, reached.gradient)
    const gain = value - reached.value
    point = next
    value = reached.value
    gradient = reached.gradient
    if (gain <= FLAT * Math.abs(value)) break
  }
  return { point, value, iterations }
}

function remember(
  pairs: Pair[],
  from: Float32Array,
  to: Float32Array,
  gradientFrom: Float32Array,
  gradientTo: Float32Array,
): void {
  const step = along(to, from, -1)
  const change = along(gradientTo, gradientFrom, -1)
  const curvature = dot(step, change)
  if (curvature <= 0) return
  pairs.push({ step, change, rho: 1 / curvature })
  if (pairs.length > MEMORY) pairs.shift()
}

/** The two-loop recursion: minus the approximate inverse Hessian times the gradient. */
function descent(gradient: Float32Array, pairs: readonly Pair[]): Float32Array {
  const direction = Float32Array.from(gradient)
  const alphas: number[] = []
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { step, change, rho } = pairs[i]!
    const alpha = rho * dot(step, direction)
    alphas[i] = alpha
    addScaled(direction, change, -alpha)
  }
  const last = pairs.at(-1)
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.change, last.change))
  for (let i = 0; i < direction.length; i++) direction[i] = direction[i]! * scale
  for (let i = 0; i < pairs.length; i++) {
    const { step, change, rho } = pairs[i]!
    addScaled(direction, step, alphas[i]! - rho * dot(change, direction))
  }
  for (let i = 0; i < direction.length; i++) direction[i] = -direction[i]!
  return direction
}

/** Four sums side by side, because one would wait for each addition to end before the next. */
function dot(a: Float32Array, b: Float32Array): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0]
  const whole = a.length - (a.length % 4)
  for (let i = 0; i < whole; i += 4) {
    sum0 += a[i]! * b[i]!
    sum1 += a[i + 1]! * b[i + 1]!
    sum2 += a[i + 2]! * b[i + 2]!
    sum3 += a[i + 3]! * b[i + 3]!
  }
  for (let i = whole; i < a.length; i++) sum0 += a[i]! * b[i]!
  return sum0 + sum1 + sum2 + sum3
}

const norm = (a: Float32Array): number => Math.sqrt(dot(a, a))

function addScaled(target: Float32Array, source: Float32Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! + factor * source[i]!
}

/** `point + length · direction`. */
function along(point: Float32Array, direction: Float32Array, length: number): Float32Array {
  const moved = new Float32Array(point.length)
  for (let i = 0; i < moved.length; i++) moved[i] = point[i]! + length * direction[i]!
  return moved
}
