/** Reads a classifier from a TensorFlow SavedModel: frozen or with a checkpoint, made by TensorFlow 1 or 2. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import type { VergerError } from '../../../core/errors.ts'
import {
  type MetaGraphDef,
  SavedModelSchema,
  type SignatureDef,
  type TensorInfo,
  type TensorShapeProto,
} from '../../../tensor/generated/tensorflow_pb.ts'
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { finishModel } from '../foreign/finish-model.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { Budget, isFloat, wholeNumbers } from './constant.ts'
import { Evaluator } from './evaluate.ts'
import { attribute, type Graph, indexGraph, parseReference } from './graph.ts'
import { findLabels } from './labels.ts'
import { createOperator } from './operators.ts'
import { describeSteps } from './photo-steps.ts'
import { Reading } from './reading.ts'
import type { Axis, LayerValue, Value } from './value.ts'
import { createVariableLoader } from './variables.ts'

const FILE = 'saved_model.pb'
/** What a message of protocol buffers may have at most. */
const MAX_BYTES = 2 ** 31 - 1

/**
 * Reads the folder of a SavedModel, or its `saved_model.pb`. Throws `model_invalid` where a file is missing or damaged
 * and `model_unsupported` naming the first operator that is not known.
 */
export function readSavedModel(path: string): ForeignModel {
  const folder = basename(path) === FILE ? dirname(path) : path
  const file = join(folder, FILE)
  if (!existsSync(file)) throw invalidModel(`Expected ${file}, found none`)
  const sizeBytes = statSync(file).size
  if (sizeBytes > MAX_BYTES) {
    throw invalidModel(`Expected at most ${MAX_BYTES} bytes of ${FILE}, found ${sizeBytes}`)
  }
  const meta = chooseMetaGraph(decode(readFileSync(file)).metaGraphs)
  if (meta.graphDef === undefined) throw invalidModel(`Expected a graph in ${FILE}, found none`)
  const signature = chooseSignature(meta)
  const variables = join(folder, 'variables', 'variables')
  const hasCheckpoint = existsSync(`${variables}.index`)
  const budget = new Budget(sizeBytes + (hasCheckpoint ? checkpointBytes(variables) : 0))
  const checkpoint: Checkpoint | undefined = hasCheckpoint
    ? openCheckpoint(variables, budget)
    : undefined
  try {
    const graph = indexGraph(meta.graphDef)
    const reading = new Reading(budget, createVariableLoader(meta, graph, checkpoint, budget))
    return readClassifier({ folder, meta, graph, signature, reading })
  } catch (error) {
    // A chain of millions of nodes, or numbers that no array can have.
    if (error instanceof RangeError) throw invalidModel(`${FILE}: ${error.message}`, error)
    throw error
  }
}

function decode(bytes: Uint8Array) {
  try {
    return fromBinary(SavedModelSchema, bytes, { readUnknownFields: false })
  } catch (cause) {
    throw invalidModel(`Expected a SavedModel in ${FILE}, received bytes that are none`, cause)
  }
}

/** The data files of a checkpoint are at most as large together as what the index says; their sizes bound what is read. */
function checkpointBytes(prefix: string): number {
  const folder = dirname(prefix)
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

function chooseMetaGraph(metaGraphs: readonly MetaGraphDef[]): MetaGraphDef {
  const tagsOf = ({ metaInfoDef }: MetaGraphDef) => metaInfoDef?.tags ?? []
  const serving = metaGraphs.filter((meta) => tagsOf(meta).includes('serve'))
  // One that is meant for accelerators may stand beside the plain one.
  const chosen = serving.find((meta) => tagsOf(meta).length === 1) ?? serving[0]
  if (chosen !== undefined) return chosen
  const found = metaGraphs.map((meta) => `[${tagsOf(meta).join(', ')}]`).join(', ')
  throw unsupportedModel(
    `Expected a graph with the tag serve in ${FILE}, found ${found === '' ? 'none' : found}`,
  )
}

function chooseSignature({ signatureDef }: MetaGraphDef): SignatureDef {
  const signatures = new Map(
    Object.entries(signatureDef).filter(([name]) => !name.startsWith('__saved_model')),
  )
  const only = signatures.size === 1 ? [...signatures.values()][0] : undefined
  const chosen = signatures.get('serving_default') ?? only
  if (chosen !== undefined) return chosen
  const names = [...signatures.keys()].join(', ')
  throw unsupportedModel(
    `Expected the signature serving_default in ${FILE}, found ${names === '' ? 'none' : names}`,
  )
}

interface Source {
  readonly folder: string
  readonly meta: MetaGraphDef
  readonly graph: Graph
  readonly signature: SignatureDef
  readonly reading: Reading
}

function readClassifier(source: Source): ForeignModel {
  const { graph, signature, reading } = source
  const evaluator = new Evaluator(graph, createOperator(reading), givenInputs(source))
  const value = chooseOutput(signature, (info) => evaluator.evaluate(parseReference(info.name)))
  const width = reading.draft.shape(value.layer).channels
  const labels = findLabels({ ...source, count: width })
  return finishModel(reading.draft, {
    name: basename(resolve(source.folder)).replace(/[^!-~]+/g, '_') || 'saved-model',
    output: value.layer,
    scaling: reading.scaling,
    labels,
    notes: [...describeSteps(reading.steps), ...reading.notes],
  })
}

/** Names that scores go by, the clearest first. */
const SCORE_NAMES = [
  'logits',
  'probabilities',
  'scores',
  'predictions',
  'output_0',
  'outputs',
  'output',
]

/** The output that is scores for each class. Throws where none is, saying what stands in the way of the likeliest. */
function chooseOutput(
  { outputs }: SignatureDef,
  evaluate: (info: TensorInfo) => Value,
): LayerValue {
  const rank = (name: string) => {
    const at = SCORE_NAMES.indexOf(name)
    return at < 0 ? SCORE_NAMES.length : at
  }
  const floats = Object.entries(outputs)
    .filter(([, { dtype }]) => isFloat(dtype))
    .sort(([a], [b]) => rank(a) - rank(b))
  const found: (readonly [string, LayerValue])[] = []
  let failure: VergerError | undefined
  for (const [name, info] of floats) {
    const value = evaluate(info)
    if (value.kind === 'layer' && value.axes[0] === 'n' && value.piece === undefined)
      found.push([name, value])
    else if (value.kind === 'refused') failure ??= value.error
    if (found.length === 1 && rank(name) < SCORE_NAMES.length) break
  }
  const [only, another] = found
  if (only !== undefined && another === undefined) return only[1]
  if (another !== undefined) {
    throw unsupportedModel(
      `Expected one output of scores, found ${found.map(([name]) => name).join(' and ')}`,
    )
  }
  if (failure !== undefined) throw failure
  const names = Object.keys(outputs).join(', ')
  throw unsupportedModel(
    `Expected an output of scores, found ${names === '' ? 'none' : `${names}, which are none`}`,
  )
}

/** The inputs of the signature, by the node that each is. */
function givenInputs({ signature, graph }: Source): Map<string, Value> {
  return new Map(
    Object.entries(signature.inputs).map(([input, info]) => {
      const { node } = parseReference(info.name)
      const found = graph.nodes.get(node)
      const told = found === undefined ? undefined : attribute(found, 'shape', 'shape')
      const shape = told === undefined || told.unknownRank ? info.tensorShape : told
      return [node, enter(input, info.dtype, shape)]
    }),
  )
}

/** What enters by an input: text or bytes that hold a photo, or its pixels. */
function enter(input: string, type: number, shape: TensorShapeProto | undefined): Value {
  const dims =
    shape === undefined || shape.unknownRank ? undefined : shape.dim.map(({ size }) => Number(size))
  const photo = {
    kind: 'photo',
    input,
    scale: [1, 1, 1],
    offset: [0, 0, 0],
    type,
    mirrored: false,
    isBlueFirst: false,
    steps: [],
  } as const
  if (type === DATA_TYPES.string) {
    const axes: Axis[] = dims?.length === 0 ? [] : ['n']
    return { ...photo, stage: 'encoded', axes, areLevels: true }
  }
  if (type === DATA_TYPES.bool) {
    return { ...wholeNumbers([0], []), type }
  }
  const axes = dims === undefined ? PHOTO_AXES : axesOf(dims)
  if (axes === undefined) {
    const error = unsupportedModel(
      `Expected photos of three colours [n, height, width, 3] as input '${input}', received the shape [${dims?.join(', ')}]`,
    )
    return { kind: 'refused', error }
  }
  const side = (axis: Axis) => {
    const size = dims?.[axes.indexOf(axis)] ?? -1
    return size > 0 ? size : undefined
  }
  return {
    ...photo,
    stage: 'pixels',
    axes,
    height: side('h'),
    width: side('w'),
    areLevels: type === DATA_TYPES.uint8,
  }
}

const PHOTO_AXES: readonly Axis[] = ['n', 'h', 'w', 'c']

function axesOf(dims: readonly number[]): readonly Axis[] | undefined {
  const [, second, , last] = dims
  if (dims.length === 3) return dims[2] === 3 ? PHOTO_AXES.slice(1) : undefined
  if (dims.length !== 4) return undefined
  if (last === 3 || last === -1) return PHOTO_AXES
  return second === 3 ? ['n', 'c', 'h', 'w'] : undefined
}
