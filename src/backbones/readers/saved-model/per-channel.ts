import { unsupportedModel } from '../foreign/model-errors.ts'
import type { Constant } from './constant.ts'
import type { Axis } from './value.ts'

/**
 * One number for each channel of a value that a constant meets, as TensorFlow broadcasts it. Throws `model_unsupported`
 * where its numbers differ from place to place.
 */
export function perChannel(
  { dims, data }: Constant,
  axes: readonly Axis[],
  channels: number,
  place: string,
): number[] {
  const missing = axes.length - dims.length
  const fits = dims.every((size, at) => {
    if (size === 1) return true
    return axes[at + missing] === 'c' && size === channels
  })
  if (!fits || missing < 0) {
    throw unsupportedModel(
      `${place}: expected one number for each of ${channels} channels, received shape [${dims.join(', ')}]`,
    )
  }
  return Array.from({ length: channels }, (_, at) => data[data.length === 1 ? 0 : at]!)
}
