/** Reads an image classifier from a TFLite file: in float32, float16, or 8 bit, whose roundings are kept. */
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { readZipFiles } from '../../../archives/read-zip-files.ts'
import { INPUT, type LayerId } from '../../../tensor/network.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { finishModel } from '../foreign/finish-model.ts'
import type { Scaling } from '../foreign/input-scaling.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { NetworkDraft } from '../foreign/network-draft.ts'
import type { Keeping, OperatorPlace, Value } from './operator-place.ts'
import { readFloats, readIntegers, readWholes } from './tflite-constant.ts'
import {
  readTfliteGraph,
  type TfliteGraph,
  type TfliteOperator,
  type TfliteTensor,
} from './tflite-graph.ts'
import { readTfliteMetadata, type TfliteMetadata } from './tflite-metadata.ts'
import { OPERATOR_NAMES } from './tflite-operator-names.ts'
import { FORM_OPERATORS, OPERATORS } from './tflite-operators.ts'
import { keep, toReal } from './whole-numbers.ts'

/** Names of a million classes. */
const MAX_LABEL_BYTES = 64 * 1024 * 1024

/** Throws `model_invalid` where the file is damaged and `model_unsupported` where it is no classifier that we can run. */
export async function readTflite(path: string): Promise<ForeignModel> {
  const graph = readTfliteGraph(await readFile(path))
  const metadataBytes = graph.metadata.get('TFLITE_METADATA')
  const metadata = metadataBytes === undefined ? {} : readTfliteMetadata(metadataBytes)
  const { draft, output, notes } = buildNetwork(graph)
  const input = graph.tensors[graph.inputs[0]!]!
  return finishModel(draft, {
    name: basename(path, extname(path)),
    output,
    scaling: scalingOf(input, metadata),
    labels: await readLabels(path, metadata),
    notes,
  })
}

function buildNetwork(graph: TfliteGraph) {
  const { tensors, operators } = graph
  const { input, output, size } = findEnds(graph)
  const draft = new NetworkDraft(size.height, size.width)
  const values = new Map<number, Value>([[input, enter(tensors[input]!)]])
  /** Constants by their index, and those whose type alone an operator changes. */
  const constants = new Map<number, TfliteTensor>()
  for (const [index, tensor] of tensors.entries()) {
    if (tensor.data !== undefined) constants.set(index, tensor)
  }

  const { needed, ending } = findNeeded(graph, output)
  for (const [index, operator] of operators.entries()) {
    const [made = -1] = operator.outputs
    const result = tensors[made]
    if (!needed.has(index) || result === undefined) continue
    const code = nameOf(operator)
    const read = OPERATORS[code]
    if (read === undefined) {
      throw unsupportedModel(
        `Expected an operator of an image classifier, received ${code} as operator ${index}, ${result.name}`,
      )
    }
    const at = (position: number): number => operator.inputs[position] ?? -1
    const constant = constants.get(at(0))
    if ((code === 'DEQUANTIZE' || code === 'CAST') && constant !== undefined) {
      constants.set(made, { ...constant, dims: result.dims })
      continue
    }
    const value = (position: number): Value => {
      const found = values.get(at(position))
      if (found !== undefined) return found
      const where = `Operator ${index} (${code}) expects a result as input ${position}`
      if (constants.has(at(position))) throw unsupportedModel(`${where}, received a constant`)
      throw invalidModel(`${where}, received one that no operator before it makes`)
    }
    const constantAt = (position: number): TfliteTensor => {
      const tensor = constants.get(at(position)) ?? tensors[at(position)]
      if (tensor !== undefined) return tensor
      throw invalidModel(`Operator ${index} (${code}) lacks its input ${position}`)
    }
    const name = result.name === '' ? `${code}_${index}` : result.name
    const keeping = ending.has(index) ? undefined : keepingOf(result)
    const place: OperatorPlace = {
      draft,
      name,
      options: operator.options,
      result,
      keeping,
      inputCount: operator.inputs.filter((tensor) => tensor !== -1).length,
      isConstant: (position) => constants.has(at(position)),
      value,
      layer: (position) => toReal(draft, name, value(position)),
      floats: (position, scales) =>
        at(position) === -1 ? undefined : readFloats(constantAt(position), scales),
      wholes: (position) => (at(position) === -1 ? undefined : readWholes(constantAt(position))),
      integers: (position) => readIntegers(constantAt(position)),
      scales: (position) => tensors[at(position)]?.quantization?.scales,
    }
    const { layer, step } = read(place)
    const formed = { layer: conform(draft, layer, result), step }
    const isKept = keeping === undefined || step === keeping.step
    values.set(made, isKept ? formed : keep(draft, name, formed, keeping))
  }
  const last = values.get(output)
  if (last === undefined || last.layer === INPUT) {
    throw invalidModel('Expected an operator that makes the output, received none')
  }
  const isKept = operators.some(
    ({ outputs: [made] }) => keepingOf(tensors[made ?? -1]) !== undefined,
  )
  return { draft, output: toReal(draft, 'output', last), notes: isKept ? [EIGHT_BIT] : [] }
}

const EIGHT_BIT =
  'The file computes in 8 bit: its weights, and the rounding of each result to 256 steps, are kept as they are; the last layer and what follows it are not rounded.'

/** The one input, a square photo of three channels, and the one output. */
function findEnds({ tensors, inputs, outputs }: TfliteGraph) {
  const [input] = inputs
  const [output] = outputs
  if (input === undefined || output === undefined || inputs.length > 1 || outputs.length > 1) {
    throw unsupportedModel(
      `Expected one input and one output, received ${inputs.length} and ${outputs.length}`,
    )
  }
  const { dims, name } = tensors[input]!
  const [, height = 0, width = 0, channels] = dims
  if (dims.length === 4 && channels === 3) return { input, output, size: { height, width } }
  throw unsupportedModel(
    `Expected photos [n, height, width, 3], received the input ${name} [${dims.join(', ')}]`,
  )
}

/** Operators that may follow the last one that weighs anything. */
const AFTER_LOGITS: ReadonlySet<string> = new Set([
  'SOFTMAX',
  'LOGISTIC',
  'QUANTIZE',
  'DEQUANTIZE',
  ...FORM_OPERATORS,
])

/** Operators on the way to the output; those from the last one that weighs anything on are `ending`. */
function findNeeded({ operators }: TfliteGraph, output: number) {
  const makers = new Map<number, number>()
  for (const [index, { outputs }] of operators.entries()) {
    for (const made of outputs) makers.set(made, index)
  }
  const needed = new Set<number>()
  const waiting = [output]
  for (let tensor = waiting.pop(); tensor !== undefined; tensor = waiting.pop()) {
    const index = makers.get(tensor)
    if (index === undefined || needed.has(index)) continue
    needed.add(index)
    const { inputs } = operators[index]!
    const isForm = FORM_OPERATORS.has(nameOf(operators[index]!))
    for (const input of isForm ? inputs.slice(0, 1) : inputs) waiting.push(input)
  }
  const ending = new Set<number>()
  for (let index = makers.get(output); index !== undefined && !ending.has(index); ) {
    ending.add(index)
    const operator = operators[index]!
    index = AFTER_LOGITS.has(nameOf(operator)) ? makers.get(operator.inputs[0] ?? -1) : undefined
  }
  return { needed, ending }
}

const nameOf = ({ code, custom }: TfliteOperator): string =>
  custom === '' ? (OPERATOR_NAMES[code] ?? `operator number ${code}`) : custom

/** How a result is kept in 8 bit. */
function keepingOf(tensor: TfliteTensor | undefined): Keeping | undefined {
  const { type, quantization } = tensor ?? {}
  const [step] = quantization?.scales ?? []
  if (step === undefined || (type !== 'int8' && type !== 'uint8')) return undefined
  const zeroPoint = quantization?.zeroPoints[0] ?? 0
  const lowest = type === 'int8' ? -128 : 0
  return { step, least: lowest - zeroPoint, most: lowest + 255 - zeroPoint }
}

/** Brings a result to the shape that the file gives it. Throws `model_invalid` where it has another size. */
function conform(draft: NetworkDraft, layer: LayerId, { name, dims }: TfliteTensor): LayerId {
  let result = layer
  const { height } = draft.shape(result)
  if (height === undefined && dims.length === 4) {
    result = draft.add({ op: 'to-map', input: result }, name)
  } else if (height === 1 && draft.shape(result).width === 1 && dims.length === 2) {
    result = draft.vector(name, result, 'fastest')
  }
  const shape = draft.shape(result)
  const sizes =
    shape.height === undefined ? [shape.channels] : [shape.height, shape.width, shape.channels]
  if (sizes.join() === dims.slice(1).join()) return result
  throw (dims.length === sizes.length + 1 ? invalidModel : unsupportedModel)(
    `${name}: expected the shape [n, ${sizes.join(', ')}], the file says [${dims.join(', ')}]`,
  )
}

/** The photo as it enters: levels less the zero point where they are whole numbers, which `scalingOf` says then. */
const enter = (input: TfliteTensor): Value => ({ layer: INPUT, step: entersWhole(input)?.step })

/** Ranges that the levels 0 to 255 are given. */
const RANGES = [
  [-1, 1],
  [0, 1],
  [0, 255],
] as const

/** How whole numbers enter: levels as they are (uint8), or less 128 (int8) where that makes one of the usual ranges. */
function entersWhole(input: TfliteTensor): Keeping | undefined {
  const keeping = keepingOf(input)
  if (keeping === undefined || input.type === 'uint8') return keeping
  const [black, white] = [keeping.least * keeping.step, keeping.most * keeping.step]
  const isUsual = RANGES.some(([from, to]) => {
    const tolerance = 0.02 * (to - from)
    return Math.abs(black - from) < tolerance && Math.abs(white - to) < tolerance
  })
  return isUsual ? keeping : undefined
}

/** What the file says of the numbers that enter: whole ones by their zero point, others by the metadata. */
function scalingOf(input: TfliteTensor, { normalization }: TfliteMetadata): Scaling | undefined {
  const whole = entersWhole(input)
  if (whole !== undefined) return { mean: 0 - whole.least, divisor: 1 }
  if (input.type === 'uint8') return { mean: 0, divisor: 1 }
  if (normalization === undefined) return undefined
  const { mean, deviation } = normalization
  const fits = (values: readonly number[]) => values.length === 1 || values.length === 3
  if (!fits(mean) || !fits(deviation)) return undefined
  const perChannel = (values: readonly number[]) =>
    values.length === 1 ? values[0]! : (values as readonly [number, number, number])
  return { mean: perChannel(mean), divisor: perChannel(deviation) }
}

/** The lines of the file of labels in the zip behind the model. */
async function readLabels(
  path: string,
  { labelsFile }: TfliteMetadata,
): Promise<string[] | undefined> {
  if (labelsFile === undefined) return undefined
  const files = await readZipFiles(path, (name) => name === labelsFile, MAX_LABEL_BYTES)
  const bytes = files.get(labelsFile)
  if (bytes === undefined) {
    throw invalidModel(`Expected the labels ${labelsFile} behind the model, received none`)
  }
  const lines = Buffer.from(bytes).toString('utf8').split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  return lines
}
