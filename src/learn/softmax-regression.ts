/**
 * Multinomial logistic regression: minimises `Σ wᵢ · −log p(yᵢ | xᵢ) / Σ wᵢ + l2 / 2 · ‖W‖²` by L-BFGS, the bias free
 * (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd ed., sections 4.4 and 18.3.2).
 *
 * Several problems that share their rows (the folds of a cross-validation) are solved side by side: one pair of matrix
 * products on ONNX Runtime answers all of them.
 */
import { createGraphBuilder } from '../tensor/graph-builder.ts'
import { type Computation, loadComputation } from '../tensor/session.ts'
import { type LbfgsResult, lbfgs } from './lbfgs.ts'

/** Weights and bias of a linear classifier: logits = x · W + b. */
export interface LinearHead {
  /** `[width, classes]` */
  readonly weights: Float32Array
  /** `[classes]` */
  readonly bias: Float32Array
}

export interface TrainingRows {
  /** `[n, width]`, scaled. */
  readonly features: Float32Array
  readonly width: number
  /** `[n]`, each below `classes`. */
  readonly labels: Int32Array
  readonly classes: number
}

/** One problem over the shared rows. */
export interface Problem {
  /** `[n]`; rows of weight 0 take no part. */
  readonly rowWeights: Float32Array
  readonly l2: number
  /** Where to begin; zeros where it is left out. */
  readonly start?: LinearHead
}

export interface SolveOptions {
  /** See `LbfgsOptions`. */
  readonly tolerance: number
  readonly maxIterations: number
  /** Called after each evaluation of all problems. Throws to stop. */
  onStep?(): void
}

export interface SoftmaxSolver {
  solve(problems: readonly Problem[], options: SolveOptions): Promise<LinearHead[]>
  close(): Promise<void>
}

/** Values of one block of rows × problems × classes that are in memory at once, several times over. */
const BLOCK_VALUES = 16e6

/** Opens a solver for these rows. Computes on the calling thread and on `threads` cores: use it from a worker thread. */
export async function openSoftmaxSolver(
  rows: TrainingRows,
  threads: number,
): Promise<SoftmaxSolver> {
  const { width, labels, classes } = rows
  const computation = await loadComputation(encodeObjective(width), threads)
  const labelIndices = BigInt64Array.from(labels, BigInt)

  return {
    async solve(problems, options) {
      const size = width * classes + classes
      const constants = problems.map(({ rowWeights }) => labelSums(rows, rowWeights))
      const totals = problems.map(({ rowWeights }) => rowWeights.reduce((a, b) => a + b, 0))
      const minimisers = problems.map(({ start }, index) =>
        lbfgs(startPoint(start, size), {
          tolerance: options.tolerance,
          maxIterations: options.maxIterations,
          referenceGradient: gradientAtZero(rows, problems[index]!.rowWeights, constants[index]!),
        }),
      )
      const results: (LbfgsResult | undefined)[] = problems.map(() => undefined)
      let asked = minimisers.map((minimiser) => minimiser.next())
      for (;;) {
        const open = asked.flatMap((step, index) => (step.done === true ? [] : [index]))
        for (const [index, step] of asked.entries()) {
          if (step.done === true) results[index] = step.value
        }
        if (open.length === 0) break
        options.onStep?.()
        const points = open.map((index) => asked[index]!.value as Float32Array)
        const weights = open.map((index) => problems[index]!.rowWeights)
        const sums = await evaluate(computation, rows, labelIndices, weights, points)
        asked = asked.slice()
        for (const [place, index] of open.entries()) {
          asked[index] = minimisers[index]!.next(
            finish(
              sums[place]!,
              points[place]!,
              constants[index]!,
              totals[index]!,
              problems[index]!.l2,
              width * classes,
            ),
          )
        }
      }
      return results.map((result) => toHead(result!.point, width, classes))
    },
    close: () => computation.close(),
  }
}

/**
 * Graph over `p` stacked problems: `x` `[n, width]`, `weights` `[width, p · k]`, `bias` `[p · k]`, `rowWeights` `[n, p, 1]`,
 * `labels` int64 `[n, p, 1]`; gives `logLikelihood` `[n, p, 1]` of the labels, `gradient` `[width, p · k]` and
 * `biasGradient` `[p · k]` of the sum of `w · logsumexp(logits)`.
 */
function encodeObjective(width: number): Uint8Array {
  const graph = createGraphBuilder('softmax-regression')
  const x = graph.input('x', 'float32', ['n', width])
  const weights = graph.input('weights', 'float32', [width, 'pk'])
  const bias = graph.input('bias', 'float32', ['pk'])
  const rowWeights = graph.input('rowWeights', 'float32', ['n', 'p', 1])
  const labels = graph.input('labels', 'int64', ['n', 'p', 1])
  const split = graph.input('split', 'int64', [3])
  const joined = graph.input('joined', 'int64', [2])
  const logits = graph.node('Gemm', [x, weights, bias])
  const logProbabilities = graph.node('LogSoftmax', [graph.node('Reshape', [logits, split])], {
    axis: 2,
  })
  const weighted = graph.node('Reshape', [
    graph.node('Mul', [graph.node('Exp', [logProbabilities]), rowWeights]),
    joined,
  ])
  const rowsAxis = graph.constant('rows_axis', BigInt64Array.of(0n), [1])
  graph.output(
    'logLikelihood',
    graph.node('GatherElements', [logProbabilities, labels], { axis: 2 }),
    'float32',
    ['n', 'p', 1],
  )
  graph.output('gradient', graph.node('Gemm', [x, weighted], { transA: 1 }), 'float32', [
    width,
    'pk',
  ])
  graph.output(
    'biasGradient',
    graph.node('ReduceSum', [weighted, rowsAxis], { keepdims: 0 }),
    'float32',
    ['pk'],
  )
  return graph.encode()
}

/** Sums over the rows of one problem. */
interface Sums {
  logLikelihood: number
  /** `[width · k + k]` */
  readonly gradient: Float32Array
}

async function evaluate(
  computation: Computation,
  { features, width, labels, classes }: TrainingRows,
  labelIndices: BigInt64Array,
  rowWeights: readonly Float32Array[],
  points: readonly Float32Array[],
): Promise<Sums[]> {
  const count = labels.length
  const problems = points.length
  const stacked = problems * classes
  const weights = new Float32Array(width * stacked)
  const bias = new Float32Array(stacked)
  for (const [p, point] of points.entries()) {
    for (let i = 0; i < width; i++) {
      const to = i * stacked + p * classes
      for (let c = 0; c < classes; c++) weights[to + c] = point[i * classes + c]!
    }
    for (let c = 0; c < classes; c++) bias[p * classes + c] = point[width * classes + c]!
  }
  const sums: Sums[] = points.map(() => ({
    logLikelihood: 0,
    gradient: new Float32Array(width * classes + classes),
  }))
  const blockRows = Math.max(1, Math.min(count, Math.floor(BLOCK_VALUES / stacked)))
  for (let from = 0; from < count; from += blockRows) {
    const rows = Math.min(blockRows, count - from)
    const blockWeights = new Float32Array(rows * problems)
    const blockLabels = new BigInt64Array(rows * problems)
    for (let row = 0; row < rows; row++) {
      for (let p = 0; p < problems; p++) {
        blockWeights[row * problems + p] = rowWeights[p]![from + row]!
        blockLabels[row * problems + p] = labelIndices[from + row]!
      }
    }
    const { logLikelihood, gradient, biasGradient } = await computation.run(
      {
        x: { data: features.subarray(from * width, (from + rows) * width), dims: [rows, width] },
        weights: { data: weights, dims: [width, stacked] },
        bias: { data: bias, dims: [stacked] },
        rowWeights: { data: blockWeights, dims: [rows, problems, 1] },
        labels: { data: blockLabels, dims: [rows, problems, 1] },
        split: {
          data: BigInt64Array.of(BigInt(rows), BigInt(problems), BigInt(classes)),
          dims: [3],
        },
        joined: { data: BigInt64Array.of(BigInt(rows), BigInt(stacked)), dims: [2] },
      },
      ['logLikelihood', 'gradient', 'biasGradient'],
    )
    for (const [p, sum] of sums.entries()) {
      for (let row = 0; row < rows; row++) {
        const place = row * problems + p
        if (blockWeights[place]! > 0)
          sum.logLikelihood += blockWeights[place]! * logLikelihood![place]!
      }
      for (let i = 0; i < width; i++) {
        const at = i * stacked + p * classes
        for (let c = 0; c < classes; c++) sum.gradient[i * classes + c]! += gradient![at + c]!
      }
      for (let c = 0; c < classes; c++) {
        sum.gradient[width * classes + c]! += biasGradient![p * classes + c]!
      }
    }
  }
  return sums
}

/** Turns sums into the objective: mean loss plus penalty, and its gradient. */
function finish(
  { logLikelihood, gradient }: Sums,
  point: Float32Array,
  constant: Float32Array,
  total: number,
  l2: number,
  weightCount: number,
) {
  let penalty = 0
  for (let i = 0; i < gradient.length; i++) {
    const slope = (gradient[i]! - constant[i]!) / total
    const isWeight = i < weightCount
    if (isWeight) penalty += point[i]! * point[i]!
    gradient[i] = isWeight ? slope + l2 * point[i]! : slope
  }
  return { value: -logLikelihood / total + (l2 / 2) * penalty, gradient }
}

/** The part of the gradient that no weight changes: `Σ w · x` per class, then `Σ w` per class. */
function labelSums(
  { features, width, labels, classes }: TrainingRows,
  weights: Float32Array,
): Float32Array {
  const sums = new Float32Array(width * classes + classes)
  for (let row = 0; row < labels.length; row++) {
    const weight = weights[row]!
    if (weight === 0) continue
    const label = labels[row]!
    for (let i = 0; i < width; i++)
      sums[i * classes + label]! += weight * features[row * width + i]!
    sums[width * classes + label]! += weight
  }
  return sums
}

/** Length of the gradient of the mean loss where every weight is 0: what the tolerance is measured against. */
function gradientAtZero(
  { features, width, labels, classes }: TrainingRows,
  weights: Float32Array,
  constant: Float32Array,
): number {
  const means = new Float64Array(width)
  let total = 0
  for (let row = 0; row < labels.length; row++) {
    const weight = weights[row]!
    if (weight === 0) continue
    total += weight
    for (let i = 0; i < width; i++) means[i]! += (weight * features[row * width + i]!) / classes
  }
  let squares = 0
  for (let i = 0; i < width; i++) {
    for (let c = 0; c < classes; c++)
      squares += ((means[i]! - constant[i * classes + c]!) / total) ** 2
  }
  return Math.sqrt(squares)
}

function startPoint(start: LinearHead | undefined, size: number): Float32Array {
  const point = new Float32Array(size)
  if (start !== undefined) {
    point.set(start.weights)
    point.set(start.bias, start.weights.length)
  }
  return point
}

const toHead = (point: Float32Array, width: number, classes: number): LinearHead => ({
  weights: point.slice(0, width * classes),
  bias: point.slice(width * classes),
})
