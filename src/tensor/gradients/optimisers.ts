/**
 * From a weight and its gradient to the next weight. What changes from step to step comes in as numbers, computed in
 * double precision outside: see `scalarsOf`.
 */
import type { Value } from '../graph-builder.ts'
import type { StepGraph } from './step-graph.ts'
import type { Optimiser } from './training-step.ts'

/** The numbers that a step of each optimiser reads beside its tensors. */
export const STEP_SCALARS = ['rate', 'shrink', 'epsilon', 'averageKeep'] as const
export type StepScalars = Readonly<Record<(typeof STEP_SCALARS)[number], number>>

/** What an optimiser keeps for each weight. */
export const MOMENTS = {
  adamw: ['first-moment', 'second-moment'],
  sgd: ['momentum'],
} as const satisfies Readonly<Record<Optimiser['kind'], readonly string[]>>

export interface Update {
  readonly value: Value
  readonly gradient: Value
  /** In the order of `MOMENTS`. */
  readonly moments: readonly Value[]
  /** Whether the weight decays. */
  readonly decays: boolean
  /** Share of the learning rate that moves it. */
  readonly rateShare: number
}

/** The next weight and the next moments. */
export function emitUpdate(
  graph: StepGraph,
  optimiser: Optimiser,
  { value, gradient, moments, decays, rateShare }: Update,
): { value: Value; moments: Value[] } {
  const kept = decays ? graph.multiply(value, 'shrink') : value
  const rate = rateShare === 1 ? 'rate' : graph.multiply('rate', graph.scalar(rateShare))
  const less = (step: Value) => graph.node('Sub', [kept, graph.multiply(step, rate)])
  const [first = '', second = ''] = moments
  if (optimiser.kind === 'sgd') {
    const momentum = graph.add(graph.multiply(first, graph.scalar(optimiser.momentum)), gradient)
    return { value: less(momentum), moments: [momentum] }
  }
  const { beta1, beta2 } = optimiser
  const mean = blend(graph, first, gradient, beta1)
  const square = blend(graph, second, graph.multiply(gradient, gradient), beta2)
  const length = graph.add(graph.node('Sqrt', [square]), 'epsilon')
  return { value: less(graph.node('Div', [mean, length])), moments: [mean, square] }
}

/** keep · old + (1 − keep) · new. */
const blend = (graph: StepGraph, old: Value, fresh: Value, keep: number): Value =>
  graph.add(graph.multiply(old, graph.scalar(keep)), graph.multiply(fresh, graph.scalar(1 - keep)))

/**
 * The numbers of step `step`, counted from 1. Adam's means start at 0 and are divided by 1 − βᵗ for it (Kingma & Ba,
 * https://arxiv.org/abs/1412.6980, section 3), which the rate and epsilon can do for all weights at once. The moving
 * average keeps less of the first weights: (1 + t) / (10 + t) at most.
 */
export function scalarsOf(
  { optimiser, weightDecay, averageDecay = 0 }: ScalarOptions,
  step: number,
  learningRate: number,
): StepScalars {
  const shrink = 1 - learningRate * weightDecay
  const averageKeep = Math.min(averageDecay, (1 + step) / (10 + step))
  if (optimiser.kind === 'sgd') return { rate: learningRate, shrink, epsilon: 0, averageKeep }
  const { beta1, beta2, epsilon } = optimiser
  const root = Math.sqrt(1 - beta2 ** step)
  const rate = (learningRate * root) / (1 - beta1 ** step)
  return { rate, shrink, epsilon: epsilon * root, averageKeep }
}

interface ScalarOptions {
  readonly optimiser: Optimiser
  readonly weightDecay: number
  readonly averageDecay?: number
}
