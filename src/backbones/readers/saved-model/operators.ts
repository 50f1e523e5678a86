import { controlOperator, followRandom } from './control-operators.ts'
import type { Operator } from './evaluate.ts'
import { foldConstants } from './fold-constants.ts'
import { addLayer } from './layer-operators.ts'
import { followLength } from './length-operators.ts'
import { followPhoto } from './photo-operators.ts'
import type { Reading } from './reading.ts'

/** What each operator of a graph means, tried in the order in which a photo meets them. */
export const createOperator =
  (reading: Reading): Operator =>
  (call) => {
    const control = controlOperator(call.node.op)
    if (control !== undefined) return control(call, reading)
    const { inputs } = call
    const constants = inputs.filter((input) => input.kind === 'constant')
    if (constants.length === inputs.length) {
      const folded = foldConstants(call, constants, reading.budget)
      if (folded !== undefined) return folded
    }
    const followed = followPhoto(call, reading) ?? followRandom(call, reading)
    if (followed !== undefined) return followed
    const length = followLength(call, reading)
    if (length !== undefined) return length
    const settled = inputs.map((input) =>
      input.kind === 'photo' ? reading.settle(input, call) : input,
    )
    return addLayer({ ...call, inputs: settled }, reading)
  }
