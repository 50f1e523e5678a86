/** Recognises the preprocessing that Verger writes in front of its networks: `emitPreprocessing`, node by node. */
import type { GraphProto, NodeProto } from '../../../tensor/generated/onnx_pb.ts'
import type { PerChannel } from '../../../tensor/network.ts'
import type { Scaling } from '../foreign/input-scaling.ts'
import { type Constant, toScalar } from './constant.ts'
import { OnnxNode } from './onnx-node.ts'

export interface OwnPreprocessing {
  /** Side of the squashed photo in pixels. */
  readonly size: number
  readonly scaling: Scaling
  /** The value that holds the normalised photo. */
  readonly output: string
}

/** Gives nothing where any node differs. */
export function findOwnPreprocessing(
  graph: GraphProto,
  image: string,
  opset: number,
  constantOf: (name: string) => Constant | undefined,
): OwnPreprocessing | undefined {
  const readers = new Map<string, NodeProto[]>()
  for (const node of graph.node) {
    for (const name of new Set(node.input)) {
      const found = readers.get(name)
      if (found === undefined) readers.set(name, [node])
      else found.push(node)
    }
  }
  let value = image
  /** Steps over the only node that reads the value, if it is this one. */
  const step = (op: string, fits: (node: OnnxNode) => boolean): boolean => {
    const [proto, another] = readers.get(value) ?? []
    const [result] = proto?.output ?? []
    if (proto === undefined || another !== undefined || result === undefined) return false
    const node = new OnnxNode(proto, 0, opset, constantOf)
    if (node.op !== op || node.inputs[0] !== value || !fits(node)) return false
    value = result
    return true
  }
  const constant = (node: OnnxNode, at: number): Constant | undefined =>
    constantOf(node.inputs[at] ?? '')
  const number = (node: OnnxNode, at: number): number | undefined => {
    const found = constant(node, at)
    return found === undefined ? undefined : toScalar(found)
  }

  const sides: number[] = []
  /** Odd sides round halves up; see `emitPreprocessing`. */
  const rounds = (): boolean =>
    (sides.at(-1) ?? 0) % 2 === 0
      ? step('Round', () => true)
      : step('Add', (node) => Math.abs((number(node, 1) ?? 0) - 0.5) < 1e-4) &&
        step('Floor', () => true)
  const squash = (axis: number): boolean =>
    step('Resize', (node) => {
      const side = number(node, 3)
      if (side !== undefined) sides.push(side)
      return side !== undefined && isSquash(node, axis)
    }) &&
    rounds() &&
    step('Clip', (node) => number(node, 1) === 0 && number(node, 2) === 255)
  const levels: PerChannel[] = []
  const takeLevels = (node: OnnxNode): boolean => {
    const found = constant(node, 1)
    const channels = found?.data.length === 1 ? toScalar(found) : perChannel(found)
    if (channels === undefined) return false
    levels.push(typeof channels === 'number' ? shortest(channels) : channels)
    return true
  }
  const isOwn =
    step('Cast', (node) => node.integer('to', 0) === 1) &&
    step('Transpose', (node) => node.integers('perm')?.join() === '0,3,1,2') &&
    squash(3) &&
    squash(2) &&
    step('Sub', takeLevels) &&
    step('Div', takeLevels)
  const [size, height] = sides
  const [mean, divisor] = levels
  if (!isOwn || size === undefined || size !== height) return undefined
  if (mean === undefined || divisor === undefined) return undefined
  return { size, scaling: { mean, divisor }, output: value }
}

const isSquash = (node: OnnxNode, axis: number): boolean =>
  node.integers('axes')?.join() === String(axis) &&
  node.text('mode', 'nearest') === 'cubic' &&
  node.float('cubic_coeff_a', -0.75) === -0.5 &&
  node.integer('antialias', 0) === 1 &&
  node.integer('exclude_outside', 0) === 1 &&
  node.text('coordinate_transformation_mode', 'half_pixel') === 'half_pixel'

function perChannel(constant: Constant | undefined): PerChannel | undefined {
  if (constant?.dims.join() !== '3,1,1') return undefined
  const [red, green, blue] = constant.data
  return [shortest(red!), shortest(green!), shortest(blue!)]
}

/** The number with the fewest digits that float32 rounds to this one, e.g. 58.395. */
function shortest(number: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(number.toPrecision(digits))
    if (Math.fround(candidate) === number) return candidate
  }
  return number
}
