import type { Activation } from '../../../tensor/network.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import type { OperatorPlace, Value } from './operator-place.ts'

/** Numbers of `ActivationFunctionType`. */
const FUSED: Readonly<Record<number, Activation>> = { 1: 'relu', 3: 'relu6', 4: 'tanh' }

/** Adds the activation that an operator carries in this field of its options, to a real result. */
export function activate(
  { draft, name, options }: OperatorPlace,
  field: number,
  input: number,
): Value {
  const number = options?.int8(field) ?? 0
  if (number === 0) return { layer: input }
  const op = FUSED[number]
  if (op !== undefined) return { layer: draft.add({ op, input }, name) }
  throw unsupportedModel(
    `${name}: expected ReLU, ReLU6 or tanh, received fused activation ${number}`,
  )
}
