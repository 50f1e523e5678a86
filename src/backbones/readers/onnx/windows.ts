/** Padding of convolutions and pools in ONNX's terms: `auto_pad`, `pads`, `ceil_mode`. */
import type { LayerId, Padding } from '../../../tensor/network.ts'
import { padsOf } from '../../../tensor/network-shapes.ts'
import type { NodeReader } from './graph-reader.ts'

type Two = readonly [number, number]
type Pads = readonly [number, number, number, number]

interface Window {
  readonly taps: Two
  readonly stride: Two
}

export const convPadding = (
  reader: NodeReader,
  input: LayerId,
  { taps, stride, dilation }: Window & { readonly dilation: Two },
): Padding =>
  paddingOf(reader, input, {
    taps: [(taps[0] - 1) * dilation[0] + 1, (taps[1] - 1) * dilation[1] + 1],
    stride,
  })

/** With `ceil_mode`, as many zeros more at the end as the last window needs that begins inside of the map. */
export function poolPadding(
  reader: NodeReader,
  input: LayerId,
  window: Window & { readonly counts: boolean },
): Padding {
  const { node } = reader
  const padding = paddingOf(reader, input, window)
  if (node.integer('ceil_mode', 0) === 0) return padding
  const { taps, stride } = window
  const size = mapSize(reader, input)
  const [top, left, bottom, right] = padsOf(padding, size, taps, stride)
  const rest = (length: number, before: number, after: number, axis: 0 | 1): number => {
    const room = length + before + after - taps[axis]
    let steps = Math.ceil(room / stride[axis])
    if (steps * stride[axis] >= length + before) steps--
    return Math.max(steps * stride[axis] - room, 0)
  }
  const [down, across] = [rest(size.height, top, bottom, 0), rest(size.width, left, right, 1)]
  if (down === 0 && across === 0) return padding
  if (window.counts) throw node.unsupported('ceil_mode with an average that counts the zeros')
  return [top, left, bottom + down, right + across]
}

function mapSize({ shapeOf }: NodeReader, id: LayerId): { height: number; width: number } {
  const { height = 1, width = 1 } = shapeOf(id)
  return { height, width }
}

function paddingOf(reader: NodeReader, input: LayerId, { taps, stride }: Window): Padding {
  const { node } = reader
  const rule = node.text('auto_pad', 'NOTSET')
  switch (rule) {
    case 'SAME_UPPER':
      return 'same'
    case 'SAME_LOWER': {
      const [top, left, bottom, right] = padsOf('same', mapSize(reader, input), taps, stride)
      return [bottom, right, top, left]
    }
    case 'VALID':
      return 'valid'
    case 'NOTSET':
      return fixedPads(reader)
    default:
      throw node.invalid(`the rule auto_pad ${rule}`)
  }
}

function fixedPads({ node }: NodeReader): Padding {
  const pads = node.integers('pads') ?? [0, 0, 0, 0]
  const fits = pads.length === 4 && pads.every((zeros) => Number.isSafeInteger(zeros) && zeros >= 0)
  if (!fits) throw node.unsupported(`pads [${pads.join(', ')}]`)
  return pads.every((zeros) => zeros === 0) ? 'valid' : (pads as unknown as Pads)
}
