import type { VergerError } from '../../../core/errors.ts'
import type { AttributeProto, NodeProto } from '../../../tensor/generated/onnx_pb.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Constant, toIntegers } from './constant.ts'

/** Elements from `start` to before `end` of an axis. */
export interface AxisSlice {
  readonly axis: number
  readonly start: number
  readonly end: number
  readonly step: number
}

/** A node of the graph, with its attributes by name and the constants among its inputs. */
export class OnnxNode {
  readonly op: string
  /** For messages: the node's name, or its place in the graph, and its operator. */
  readonly place: string
  /** For the names of weights. */
  readonly name: string
  readonly inputs: readonly string[]
  readonly opset: number
  readonly #attributes: ReadonlyMap<string, AttributeProto>
  readonly #constantOf: (value: string) => Constant | undefined

  constructor(
    proto: NodeProto,
    index: number,
    opset: number,
    constantOf: (value: string) => Constant | undefined,
  ) {
    const { domain, opType, name, input } = proto
    this.op = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`
    this.name = name === '' ? `${opType.toLowerCase()}_${index}` : name
    this.place = `${name === '' ? `Node ${index}` : `Node ${name}`} (${this.op})`
    this.inputs = input
    this.opset = opset
    this.#attributes = new Map(proto.attribute.map((attribute) => [attribute.name, attribute]))
    this.#constantOf = constantOf
  }

  invalid(received: string): VergerError {
    return invalidModel(`${this.place} has ${received}`)
  }

  unsupported(received: string): VergerError {
    return unsupportedModel(`${this.place} has ${received}, which is not read`)
  }

  has(attribute: string): boolean {
    return this.#attributes.has(attribute)
  }

  attribute(name: string): AttributeProto | undefined {
    return this.#attributes.get(name)
  }

  integer(name: string, otherwise: number): number {
    const attribute = this.#attributes.get(name)
    return attribute === undefined ? otherwise : Number(attribute.i)
  }

  integers(name: string): number[] | undefined {
    return this.#attributes.get(name)?.ints.map(Number)
  }

  float(name: string, otherwise: number): number {
    return this.#attributes.get(name)?.f ?? otherwise
  }

  text(name: string, otherwise: string): string {
    const attribute = this.#attributes.get(name)
    return attribute === undefined ? otherwise : Buffer.from(attribute.s).toString('utf8')
  }

  /** Whether an input is there; a trailing or empty one is not. */
  isGiven(at: number): boolean {
    return (this.inputs[at] ?? '') !== ''
  }

  /** The constant of an input, undefined where it is not given. Throws where it is computed from the photo. */
  constant(at: number): Constant | undefined {
    if (!this.isGiven(at)) return undefined
    const name = this.inputs[at]!
    const constant = this.#constantOf(name)
    if (constant === undefined) throw this.unsupported(`an input ${name} that is no constant`)
    return constant
  }

  requireConstant(at: number): Constant {
    const constant = this.constant(at)
    if (constant === undefined) throw this.invalid(`no input ${at}`)
    return constant
  }

  /** Axes from the attribute of older opsets or from input `at` of newer ones; counted from the front where `rank` is known. */
  axes(at: number, rank?: number): number[] | undefined {
    const constant = this.constant(at)
    const axes = constant === undefined ? this.integers('axes') : toIntegers(constant)
    if (rank === undefined) return axes
    return axes?.map((axis) => (axis < 0 ? axis + rank : axis))
  }

  /** What `Slice` keeps, from attributes (before opset 10) or inputs. */
  slices(): AxisSlice[] | undefined {
    const list = (name: string, at: number): number[] | undefined => {
      const constant = this.constant(at)
      return constant === undefined ? this.integers(name) : toIntegers(constant)
    }
    const [starts, ends] = [list('starts', 1), list('ends', 2)]
    const axes = list('axes', 3) ?? starts?.map((_, axis) => axis)
    const steps = list('steps', 4) ?? starts?.map(() => 1)
    if (starts === undefined || starts.length !== ends?.length) return undefined
    return starts.map((start, at) => ({
      axis: axes?.[at] ?? at,
      start,
      end: ends[at]!,
      step: steps?.[at] ?? 1,
    }))
  }
}
