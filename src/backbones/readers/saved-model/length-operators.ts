/** Vectors that are divided by their lengths: the squares, their sum, its root, a least length, the quotient. */
import type { Call } from './evaluate.ts'
import type { Reading } from './reading.ts'
import type { LayerValue, LengthValue, Value } from './value.ts'

/** A length that only a vector of zeros falls below; TensorFlow's own is the square root of 1e-12. */
const LEAST = 1e-6

/** Follows an operator on the way to a length; nothing where it is none. */
export function followLength(call: Call, reading: Reading): Value | undefined {
  const { node, inputs, place } = call
  const [left, right] = inputs
  if (node.op === 'Square')
    return isVector(left) ? { kind: 'length', of: left, step: 'squares' } : undefined
  if (right?.kind === 'length' && isVector(left) && left.layer === right.of.layer) {
    const divides = node.op === 'RealDiv' && right.step === 'length'
    const multiplies = node.op === 'Mul' && right.step === 'inverse'
    if (divides || multiplies) {
      return { ...left, layer: reading.draft.add({ op: 'unit', input: left.layer }, place) }
    }
  }
  return left?.kind === 'length' ? follow(left, node.op, right) : undefined
}

const isVector = (value: Value | undefined): value is LayerValue =>
  value?.kind === 'layer' && value.axes.join() === 'n,c'

function follow(value: LengthValue, op: string, by: Value | undefined): LengthValue | undefined {
  const number = by?.kind === 'constant' && by.data.length === 1 ? by.data[0]! : Number.NaN
  switch (`${op} of ${value.step}`) {
    case 'Sum of squares':
      return number === 1 || number === -1 ? { ...value, step: 'sum' } : undefined
    case 'Sqrt of sum':
      return { ...value, step: 'length' }
    case 'Rsqrt of sum':
      return { ...value, step: 'inverse' }
    case 'Maximum of sum':
    case 'Maximum of length':
      return number >= 0 && number <= LEAST ? value : undefined
    default:
      return undefined
  }
}
