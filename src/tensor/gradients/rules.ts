/** The rule of every kind of layer. */
import { VergerError } from '../../core/errors.ts'
import { ACTIVATIONS, type Layer } from '../network.ts'
import { convolution } from './convolution.ts'
import { dense } from './dense.ts'
import {
  activation,
  addition,
  clip,
  concatenation,
  flatten,
  mirror,
  padding,
  scale,
  softmax,
  toMap,
  unit,
} from './elementwise.ts'
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pooling.ts'
import type { Rule } from './rule.ts'

/** Written out once; each rule reads the layers of its own kind. */
const RULES = {
  ...Object.fromEntries(ACTIVATIONS.map((op) => [op, activation])),
  softmax,
  conv: convolution,
  dense,
  'max-pool': maxPool,
  'average-pool': averagePool,
  'global-average-pool': globalAveragePool,
  'global-max-pool': globalMaxPool,
  add: addition,
  multiply: addition,
  concat: concatenation,
  pad: padding,
  scale,
  flatten,
  'to-map': toMap,
  unit,
  mirror,
  clip,
} as Readonly<Record<string, Rule<never>>>

/** Whether a layer can train, or lie between those that do. */
export const hasGradient = ({ op }: Layer): boolean => Object.hasOwn(RULES, op)

/** Throws `usage_invalid` for a layer that has no gradient. */
export function findRule(layer: Layer): Rule {
  const rule = RULES[layer.op]
  if (rule !== undefined) return rule as unknown as Rule
  throw new VergerError(
    'usage_invalid',
    `Expected layers that have a gradient to train, received a layer '${layer.op}'`,
    { hint: 'Train from a layer behind it.', details: { op: layer.op } },
  )
}
