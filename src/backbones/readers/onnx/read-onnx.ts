/** Reads a classifier from an ONNX file: any graph of the operators that image classifiers use, or one that Verger wrote. */
import { readFileSync, statSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type ValueInfoProto,
} from '../../../tensor/generated/onnx_pb.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { finishModel } from '../foreign/finish-model.ts'
import type { Scaling } from '../foreign/input-scaling.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { NetworkDraft } from '../foreign/network-draft.ts'
import { type Constant, decodeConstant, type ReadExternal } from './constant.ts'
import { createExternalReader } from './external-data.ts'
import { type GraphStart, readNodes } from './graph-reader.ts'
import { findOwnPreprocessing } from './own-preprocessing.ts'

/** A protobuf message is no larger. */
const MAX_FILE_BYTES = 2 ** 31 - 1
/** Opsets of the default domain whose operators are read. */
const [MIN_OPSET, MAX_OPSET] = [7, 21]
/** Numbers of `TensorProto.DataType`: what a photo may enter as. */
const UINT8 = 2
const INPUT_TYPES = [1, UINT8, 10, 11]

/** Throws `model_invalid` or `model_unsupported`. */
export function readOnnx(path: string): ForeignModel {
  const graph = parseModel(path)
  return new OnnxReader(graph, createExternalReader(path)).read()
}

function parseModel(path: string): ModelProto & { readonly graph: GraphProto } {
  const { size } = statSync(path)
  if (size > MAX_FILE_BYTES) {
    throw unsupportedModel(`Expected an ONNX file below 2 GiB, received ${size} bytes`)
  }
  let model: ModelProto
  try {
    model = fromBinary(ModelProtoSchema, readFileSync(path), { readUnknownFields: false })
  } catch (cause) {
    throw invalidModel(`Expected an ONNX file: ${(cause as Error).message}`, cause)
  }
  const { graph } = model
  if (graph === undefined || graph.node.length === 0) {
    throw invalidModel('Expected an ONNX file with a graph, received one without nodes')
  }
  return Object.assign(model, { graph })
}

class OnnxReader {
  readonly #model: ModelProto & { readonly graph: GraphProto }
  readonly #readExternal: ReadExternal
  readonly #opset: number

  constructor(model: ModelProto & { readonly graph: GraphProto }, readExternal: ReadExternal) {
    this.#model = model
    this.#readExternal = readExternal
    const main = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')
    this.#opset = Number(main?.version ?? 1)
    if (this.#opset < MIN_OPSET || this.#opset > MAX_OPSET) {
      throw unsupportedModel(
        `Expected an ONNX opset of ${MIN_OPSET} to ${MAX_OPSET}, received ${this.#opset}`,
      )
    }
  }

  read(): ForeignModel {
    const { graph } = this.#model
    const input = this.#findInput()
    const own = findOwnPreprocessing(graph, input.name, this.#opset, this.#constants())
    const output = this.#findOutput()
    const labels = this.#readLabels()
    if (own !== undefined) {
      const draft = new NetworkDraft(own.size, own.size)
      const start = this.#start(draft, own.output, false, undefined)
      const id = readNodes(graph, start, output)
      const { scaling } = own
      return finishModel(draft, { name: this.#name(), output: id, scaling, labels })
    }
    const { batch, height, width, channelsLast, scaling } = describeInput(input)
    const draft = new NetworkDraft(height, width)
    const id = readNodes(graph, this.#start(draft, input.name, channelsLast, batch), output)
    return finishModel(draft, { name: this.#name(), output: id, scaling, labels })
  }

  #start(
    draft: NetworkDraft,
    input: string,
    channelsLast: boolean,
    batch: number | undefined,
  ): GraphStart {
    const [opset, readExternal] = [this.#opset, this.#readExternal]
    return { draft, input, channelsLast, batch, opset, readExternal }
  }

  /** Initializers by name; large ones are not asked for here. */
  #constants(): (name: string) => Constant | undefined {
    const initializers = new Map(this.#model.graph.initializer.map((each) => [each.name, each]))
    return (name) => {
      const tensor = initializers.get(name)
      return tensor === undefined ? undefined : decodeConstant(tensor, this.#readExternal)
    }
  }

  /** The only input; weights were among the inputs before IR version 4. */
  #findInput(): ValueInfoProto {
    const { input, initializer } = this.#model.graph
    const weights = new Set(initializer.map(({ name }) => name))
    const inputs = input.filter(({ name }) => !weights.has(name))
    const [only] = inputs
    if (only !== undefined && inputs.length === 1) return only
    throw unsupportedModel(
      `Expected a graph with one input, received ${inputs.length}${listed(inputs)}`,
    )
  }

  /** The only output; of several the one that is called logits or probabilities, as Verger's own are. */
  #findOutput(): string {
    const { output } = this.#model.graph
    const named = (name: string) => output.find((each) => each.name === name)
    const found = output.length === 1 ? output[0] : (named('logits') ?? named('probabilities'))
    if (found !== undefined) return found.name
    throw unsupportedModel(
      `Expected a graph with one output, received ${output.length}${listed(output)}`,
    )
  }

  /** Names of the classes where the metadata hold them as a JSON list, as Verger writes them. */
  #readLabels(): string[] | undefined {
    const text = this.#model.metadataProps.find(({ key }) => key === 'labels')?.value
    if (text === undefined) return undefined
    try {
      const labels: unknown = JSON.parse(text)
      const isList = Array.isArray(labels) && labels.every((label) => typeof label === 'string')
      return isList ? labels : undefined
    } catch {
      // Others may keep something else under this name.
      return undefined
    }
  }

  #name(): string {
    return this.#model.graph.name.replace(/[^!-~]+/g, '_').slice(0, 120) || 'onnx'
  }
}

const listed = (values: readonly ValueInfoProto[]): string =>
  values.length === 0
    ? ''
    : `: ${values
        .slice(0, 8)
        .map(({ name }) => name)
        .join(', ')}`

/** The photo as it enters the graph: float or uint8, channels first or last, of a fixed size. */
function describeInput({ name, type }: ValueInfoProto): {
  readonly batch: number | undefined
  readonly height: number
  readonly width: number
  readonly channelsLast: boolean
  readonly scaling: Scaling | undefined
} {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined
  const dims = tensor?.shape?.dim.map(({ value }) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
  )
  const words = dims?.map((size) => size ?? '?').join(', ') ?? '?'
  if (tensor === undefined || dims?.length !== 4) {
    throw unsupportedModel(
      `Expected an input [n, 3, height, width] or [n, height, width, 3], ${name} is [${words}]`,
    )
  }
  if (!INPUT_TYPES.includes(tensor.elemType)) {
    throw unsupportedModel(
      `Expected an input of floats or bytes, ${name} has the element type ${tensor.elemType}`,
    )
  }
  const [batch, second, third, fourth] = dims
  const channelsLast = fourth === 3 && second !== 3
  const [height, width] = channelsLast ? [second, third] : [third, fourth]
  if (!channelsLast && second !== 3) {
    throw unsupportedModel(`Expected an input of three channels, ${name} is [${words}]`)
  }
  if (height === undefined || width === undefined) {
    throw unsupportedModel(
      `Expected an input of a fixed size, ${name} is [${words}]: export it with the size that it was trained on`,
    )
  }
  const scaling = tensor.elemType === UINT8 ? { mean: 0, divisor: 1 } : undefined
  return { batch, height, width, channelsLast, scaling }
}
