/** Attributes of windows that slide over maps: the order of axes, sizes, paddings. */
import type { Padding } from '../../../tensor/network.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import type { Call } from './evaluate.ts'
import { listAttribute, textAttribute } from './graph.ts'
import { type LayerCall, refuse } from './layer-call.ts'
import type { Axis } from './value.ts'

/** The order of axes that the node says; refuses maps that lie otherwise. */
export function mapAxes(call: LayerCall): readonly Axis[] {
  const format = textAttribute(call.node, 'data_format', 'NHWC')
  const axes: readonly Axis[] = format === 'NCHW' ? ['n', 'c', 'h', 'w'] : ['n', 'h', 'w', 'c']
  if (call.x.axes.join() === axes.join()) return axes
  throw refuse(call, `a map with axes ${axes.join()}, received ${call.x.axes.join()}`)
}

/** Height and width of an attribute that has a number for each axis. */
export function perAxis(
  values: readonly number[],
  axes: readonly Axis[],
  call: Call,
): [number, number] {
  if (values.length === 0) return [1, 1]
  const of = (axis: Axis) => values[axes.indexOf(axis)]!
  if (values.length !== 4 || of('n') !== 1 || of('c') !== 1) {
    throw refuse(call, `numbers for height and width alone, received [${values.join(', ')}]`)
  }
  const pair: [number, number] = [of('h'), of('w')]
  if (pair.every((value) => Number.isSafeInteger(value) && value > 0)) return pair
  throw invalidModel(`${call.place}: expected positive numbers, received [${values.join(', ')}]`)
}

export function paddingOf(call: Call, axes: readonly Axis[]): Padding {
  const padding = textAttribute(call.node, 'padding', 'VALID')
  if (padding === 'SAME') return 'same'
  if (padding === 'VALID') return 'valid'
  const list = listAttribute(call.node, 'explicit_paddings')
  if (padding !== 'EXPLICIT' || list.length !== 8) throw refuse(call, 'a padding, received another')
  return pads(list, axes, call)
}

/** `[top, left, bottom, right]` of pairs for each axis. */
export function pads(
  list: readonly number[],
  axes: readonly Axis[],
  call: Call,
): readonly [number, number, number, number] {
  const of = (axis: Axis) => [
    list[2 * axes.indexOf(axis)] ?? 0,
    list[2 * axes.indexOf(axis) + 1] ?? 0,
  ]
  const [[top, bottom], [left, right]] = [of('h'), of('w')] as [number[], number[]]
  const zeros = [top!, left!, bottom!, right!] as const
  if ([...of('n'), ...of('c')].some((count) => count !== 0) || zeros.some((count) => count < 0)) {
    throw refuse(call, 'a padding of height and width')
  }
  return zeros
}
