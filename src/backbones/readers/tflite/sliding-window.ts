/** What the options of convolutions and pools say of their window. */
import type { Pair } from '../../../tensor/network.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import type { OperatorPlace } from './operator-place.ts'

/** Stride and padding stand in the first fields of the options of all of them. */
const FIELDS = { padding: 0, strideWidth: 1, strideHeight: 2 }
const PADDINGS = ['same', 'valid'] as const

export function windowOf({ options, name }: OperatorPlace) {
  const stride = pairOf(
    name,
    options?.int32(FIELDS.strideHeight),
    options?.int32(FIELDS.strideWidth),
  )
  const padding = PADDINGS[options?.int8(FIELDS.padding) ?? 0]
  if (padding === undefined) throw invalidModel(`${name}: expected SAME or VALID padding`)
  return { stride, padding }
}

/** Height and width, both positive. */
export function pairOf(name: string, height = 0, width = 0): Pair {
  if (height > 0 && width > 0) return [height, width]
  throw invalidModel(`${name}: expected positive sizes, received ${height} × ${width}`)
}
