/** What operators on constants have in common. */
import { elementCount } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { Budget, Constant } from './constant.ts'
import type { Call } from './evaluate.ts'
import { dot, eachIndex, stridesOf } from './row-major.ts'

/** What a folding operator is given. */
export interface Fold {
  readonly call: Call
  readonly inputs: readonly Constant[]
  readonly budget: Budget
}

/** The named number of inputs. */
type Inputs<N extends number> = N extends 1
  ? readonly [Constant]
  : N extends 2
    ? readonly [Constant, Constant]
    : N extends 3
      ? readonly [Constant, Constant, Constant]
      : readonly [Constant, Constant, Constant, Constant]

export function take<N extends 1 | 2 | 3 | 4>(
  inputs: readonly Constant[],
  count: N,
  { place }: Call,
): Inputs<N> {
  if (inputs.length >= count) return inputs as unknown as Inputs<N>
  throw invalidModel(`${place}: expected ${count} inputs, received ${inputs.length}`)
}

export function map({ inputs, call, budget }: Fold, change: (x: number) => number): Constant {
  const [tensor] = take(inputs, 1, call)
  budget.take(tensor.data.length, call.place)
  return { ...tensor, data: tensor.data.map(change) }
}

export function broadcast(fold: Fold, combine: (a: number, b: number) => number): Constant {
  const [left, right] = take(fold.inputs, 2, fold.call)
  const rank = Math.max(left.dims.length, right.dims.length)
  const aligned = [left, right].map(({ dims }) => [
    ...Array<number>(rank - dims.length).fill(1),
    ...dims,
  ]) as [number[], number[]]
  const dims = aligned[0].map((size, axis) => {
    const other = aligned[1][axis]!
    if (size === other || other === 1) return size
    if (size === 1) return other
    throw invalidModel(
      `${fold.call.place}: expected shapes that meet, received [${left.dims}] and [${right.dims}]`,
    )
  })
  const data = empty(left, dims, fold)
  const strides = aligned.map((sizes) =>
    stridesOf(sizes).map((stride, axis) => (sizes[axis] === 1 ? 0 : stride)),
  ) as [number[], number[]]
  eachIndex(dims, (index, at) => {
    data[at] = combine(left.data[dot(index, strides[0])]!, right.data[dot(index, strides[1])]!)
  })
  return { ...left, dims, data }
}

/** Zeros of the kind of `like`. */
export function empty(
  { data }: Constant,
  dims: readonly number[],
  { budget, call }: Pick<Fold, 'budget' | 'call'>,
): Float32Array | Float64Array {
  const count = elementCount(dims)
  if (!Number.isSafeInteger(count) || count < 0) throw badValue(call)
  budget.take(count, call.place)
  return data instanceof Float32Array ? new Float32Array(count) : new Float64Array(count)
}

export function countsOf({ data }: Constant, call: Call): number[] {
  const counts = [...data]
  if (counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return counts
  throw badValue(call)
}

export const badValue = ({ place }: Pick<Call, 'place'>) =>
  unsupportedModel(`${place}: expected shapes and axes that fit, received others or unknown ones`)
