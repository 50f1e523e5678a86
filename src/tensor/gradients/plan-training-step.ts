/** Plans a training step: a network, its weights and options in, one ONNX graph out. */
import { VergerError } from '../../core/errors.ts'
import { requireWeight } from '../emit-onnx.ts'
import { foldBatchNorm } from '../fold-batch-norm.ts'
import { createGraphBuilder, type GraphBuilder, type Value } from '../graph-builder.ts'
import { INPUT, inputsOf, type Layer, type LayerId, type Network } from '../network.ts'
import { inferShapes, type Shape } from '../network-shapes.ts'
import type { Observation } from '../quantize.ts'
import { elementCount, type FloatTensor, type Weights } from '../tensor.ts'
import { createNormalisedConvolution, emitRunning, NORM_EPSILON } from './batch-norm.ts'
import { emitFrozenLayers, emitRoundedLayers } from './frozen-layers.ts'
import { emitLoss } from './loss.ts'
import { findBlock } from './map-block.ts'
import { createLayout } from './map-layout.ts'
import { emitUpdate, MOMENTS, STEP_SCALARS } from './optimisers.ts'
import { differentiate, type TrainedPart } from './reverse.ts'
import type { Rule } from './rule.ts'
import { findRule } from './rules.ts'
import { createStepGraph, type StepGraph } from './step-graph.ts'
import type {
  ConvStatistics,
  StateTensor,
  TrainingOptions,
  TrainingState,
  TrainingStep,
} from './training-step.ts'

/** Names of a step's results. */
export const STEP_RESULTS = ['loss', 'gradientNorm', 'correct'] as const
/** The input that dropout reads, `[photos, features]`: 0 where it leaves out, 1 / (1 − rate) elsewhere. */
export const DROPOUT_INPUT = 'kept'
/** The name of a state tensor behind the step. */
export const nextName = (name: string): string => `next ${name}`
const AVERAGE = 'average'

/**
 * Plans the training of `network` from `weights`, which need its output `logits`; photos have the side of its input.
 * Throws `usage_invalid` where `trainFrom` names no block or layer, and `backbone_damaged` where a weight is missing.
 */
export async function planTrainingStep(
  network: Network,
  weights: Weights,
  options: TrainingOptions,
): Promise<TrainingStep> {
  return composeTrainingStep(network, weights, { ...options, block: await findBlock() })
}

/** As `planTrainingStep`, for maps in blocks of `block` channels. */
export function composeTrainingStep(
  network: Network,
  weights: Weights,
  { block, ...options }: TrainingOptions & { readonly block: number },
): TrainingStep {
  const builder = createGraphBuilder(`${network.name}-step`)
  const graph = createStepGraph(builder)
  const shapes = inferShapes(network)
  const { size } = network.input
  const shape = (id: LayerId): Shape =>
    id === INPUT ? { channels: 3, height: size, width: size } : shapes[id]!
  const { logits } = network.outputs
  if (logits === undefined) {
    throw new VergerError(
      'usage_invalid',
      `Expected a network with the output logits to train, received ${network.name} with ${Object.keys(network.outputs).join(', ') || 'none'}`,
    )
  }
  const first = findFirst(network, options.trainFrom)
  const { batchSize: photos } = options
  const classes = logits.width

  const running = new Map<string, { value: Value; dims: readonly number[] }>()
  const norms = options.batchNorm === 'frozen' ? undefined : options.batchNorm.statistics
  const normalised = createNormalisedConvolution(({ name, filters }, statistics) => {
    for (const kind of ['mean', 'variance'] as const) {
      running.set(`${name}#${kind}`, { value: statistics[kind], dims: [filters] })
    }
  })
  const rule = (layer: Layer): Rule =>
    norms !== undefined && layer.op === 'conv' ? (normalised as unknown as Rule) : findRule(layer)
  const parameters = parametersOf(network, { first, shape, rule })
  const dimsOf = new Map(parameters.map(({ name, dims }) => [name, dims]))
  const initial = new Map<string, FloatTensor>()
  const state: StateTensor[] = []
  const declare = (name: string, dims: readonly number[], data: Float32Array) => {
    state.push({ name, dims })
    initial.set(name, { dims, data })
    builder.input(name, 'float32', [elementCount(dims)])
  }
  const normPart = (name: string): Float32Array | undefined => {
    const [, layer = '', part] = /^(.*)[/#](gamma|beta|mean|variance)$/.exec(name) ?? []
    const statistics = norms?.get(layer)
    if (statistics === undefined || part === undefined) return undefined
    return openNorm(weights, layer, statistics)[part as 'gamma']
  }
  const valuesOf = ({ name, dims }: StateTensor) =>
    normPart(name) ?? requireWeight(network.name, weights, name, dims).data
  for (const parameter of parameters) declare(parameter.name, parameter.dims, valuesOf(parameter))
  for (const { name, dims } of parameters) {
    for (const moment of MOMENTS[options.optimiser.kind]) {
      declare(`${name}#${moment}`, dims, new Float32Array(elementCount(dims)))
    }
  }
  if (options.averageDecay !== undefined) {
    for (const parameter of parameters) {
      const values = Float32Array.from(valuesOf(parameter))
      declare(`${parameter.name}#${AVERAGE}`, parameter.dims, values)
    }
  }

  for (const { name, dims } of norms === undefined ? [] : parameters) {
    if (!name.endsWith('/gamma')) continue
    const layer = name.slice(0, name.lastIndexOf('/'))
    for (const key of [`${layer}#mean`, `${layer}#variance`]) {
      declare(key, dims, normPart(key) ?? new Float32Array(dims[0] ?? 0))
    }
  }

  for (const name of STEP_SCALARS) builder.input(name, 'float32', [])
  const targets = builder.input('targets', 'float32', [photos, classes])
  const levels = builder.input('photos', 'uint8', [photos, size, size, 3])
  const classifier = network.layers[logits.layer]
  const features = classifier?.op === 'dense' ? classifier.input : undefined
  const dropoutDims =
    features === undefined || options.dropout === undefined
      ? undefined
      : ([photos, shape(features).channels] as const)
  const factor =
    features === undefined || dropoutDims === undefined
      ? undefined
      : { layer: features, value: builder.input(DROPOUT_INPUT, 'float32', dropoutDims) }
  const { observed } = options
  const { result, gradients } = differentiate({
    graph,
    layout: createLayout(graph, block),
    photos,
    layers: network.layers,
    shape,
    first,
    frozen: emitBeforeFirst(network, weights, { builder, graph, first, levels, observed }),
    last: logits.layer,
    rule,
    weight: (name: string) => graph.reshape(name, dimsOf.get(name) ?? []),
    ...(factor && { factor }),
  })
  const loss = emitLoss(graph, { logits: result.plain(), targets, photos })
  const byWeight = gradients(loss.gradient)
  const length = emitLength(graph, [...byWeight.values()])
  const clipped = emitClip(graph, length, options.gradientClip)

  const outputs: { name: string; value: Value; count: number }[] = []
  for (const { name, dims } of parameters) {
    const gradient = byWeight.get(name)
    if (gradient === undefined) throw new Error(`no gradient of ${name}`)
    const count = elementCount(dims)
    const next = (of: string, value: Value) => outputs.push({ name: nextName(of), value, count })
    const moments = MOMENTS[options.optimiser.kind].map((moment) => `${name}#${moment}`)
    const updated = emitUpdate(graph, options.optimiser, {
      value: name,
      gradient: clipped(graph.reshape(gradient, [count])),
      moments,
      decays: name.endsWith('/kernel'),
    })
    next(name, updated.value)
    for (const [at, moment] of moments.entries()) next(moment, updated.moments[at] ?? '')
    if (options.averageDecay === undefined) continue
    const average = `${name}#${AVERAGE}`
    const difference = graph.node('Sub', [average, updated.value])
    next(average, graph.add(updated.value, graph.multiply(difference, 'averageKeep')))
  }
  for (const [name, { value, dims }] of running) {
    const count = elementCount(dims)
    outputs.push({ name: nextName(name), value: emitRunning(graph, name, value), count })
  }
  builder.output('loss', loss.loss, 'float32', [])
  builder.output('gradientNorm', length, 'float32', [])
  builder.output('correct', loss.correct, 'float32', [])
  for (const { name, value, count } of outputs) builder.output(name, value, 'float32', [count])
  return {
    model: builder.encode(),
    batchSize: photos,
    size,
    classes,
    ...(dropoutDims && { dropoutDims }),
    options,
    parameters,
    state,
    initial,
  }
}

/**
 * The weights that trained, by their names in the network, batch norm folded; those of the moving average where `averaged`.
 * Together with the weights that did not train they make the network that serves.
 */
export function trainedWeights(
  { parameters }: Pick<TrainingStep, 'parameters'>,
  { tensors }: TrainingState,
  { averaged }: { readonly averaged: boolean },
): Weights {
  const read = (key: string): FloatTensor => {
    const tensor = tensors.get(key)
    if (tensor === undefined) throw new RangeError(`Expected a state with ${key}`)
    return tensor
  }
  const value = (name: string) => read(averaged ? `${name}#${AVERAGE}` : name)
  const weights = new Map<string, FloatTensor>()
  for (const { name } of parameters) {
    const layer = name.slice(0, name.lastIndexOf('/'))
    if (name.endsWith('/gamma')) {
      const { kernel, bias } = foldBatchNorm(value(`${layer}/kernel`), {
        gamma: value(name),
        beta: value(`${layer}/beta`),
        mean: read(`${layer}#mean`),
        variance: read(`${layer}#variance`),
        epsilon: NORM_EPSILON,
      })
      weights.set(`${layer}/kernel`, kernel).set(`${layer}/bias`, bias)
    } else if (!name.endsWith('/beta')) weights.set(name, value(name))
  }
  return weights
}

/**
 * The batch norm of a folded convolution. With x the convolution without its bias b, γ · (x − μ) / σ + β = x + b where γ = σ and
 * β = b + μ; the statistics that came in are those of x + b.
 */
function openNorm(
  weights: Weights,
  layer: string,
  { mean, variance }: ConvStatistics,
): Readonly<Record<'gamma' | 'beta' | 'mean' | 'variance', Float32Array>> {
  const bias = weights.get(`${layer}/bias`)?.data
  return {
    gamma: variance.map((value) => Math.sqrt(value + NORM_EPSILON)),
    beta: mean,
    mean: mean.map((value, channel) => value - (bias?.[channel] ?? 0)),
    variance,
  }
}

interface BeforeFirst {
  readonly builder: GraphBuilder
  readonly graph: StepGraph
  readonly first: LayerId
  /** `[photos, size, size, 3]` */
  readonly levels: Value
  readonly observed: Observation | undefined
}

/** The layers that do not train, in 8 bit where it was observed what they give. */
function emitBeforeFirst(
  network: Network,
  weights: Weights,
  { builder, graph, first, levels, observed }: BeforeFirst,
): (id: LayerId) => Value {
  const before = { ...network, layers: network.layers.slice(0, first) }
  if (observed !== undefined && first > 0) {
    const read = new Set(network.layers.slice(first).flatMap((layer) => inputsOf(layer)))
    const ofBefore = [...read].filter((id) => id !== INPUT && id < first)
    return emitRoundedLayers(builder, graph, before, { levels, weights, observed, read: ofBefore })
  }
  return emitFrozenLayers(builder, graph, before, {
    levels,
    weight(name, dims) {
      const { data } = requireWeight(network.name, weights, name, dims)
      return builder.constant(`frozen ${name}`, data, dims)
    },
  })
}

/** The first layer of the block or layer of this name. */
function findFirst({ name, layers, stages = {} }: Network, trainFrom: string | undefined): LayerId {
  if (trainFrom === undefined) return 0
  const first = layers.findIndex(
    (layer) =>
      'name' in layer && (layer.name === trainFrom || layer.name.startsWith(`${trainFrom}/`)),
  )
  if (first >= 0) return first
  const known = [
    ...new Set([
      ...Object.keys(stages),
      ...layers.flatMap((layer) => ('name' in layer ? [layer.name] : [])),
    ]),
  ]
  throw new VergerError(
    'usage_invalid',
    `Expected a block or layer of ${name} to train from, received '${trainFrom}'`,
    { hint: `It has ${known.slice(0, 30).join(', ')}.`, details: { received: trainFrom, known } },
  )
}

/** The weights from layer `first` on. */
function parametersOf(
  { layers, outputs }: Network,
  {
    first,
    shape,
    rule,
  }: Pick<TrainedPart, 'first' | 'shape'> & Required<Pick<TrainedPart, 'rule'>>,
): StateTensor[] {
  const last = outputs['logits']?.layer ?? -1
  return layers.flatMap((layer, id) => {
    if (id < first || id > last) return []
    const weights = rule(layer).weights?.(layer, shape(inputsOf(layer)[0] ?? INPUT)) ?? {}
    return Object.entries(weights).map(([name, dims]) => ({ name, dims }))
  })
}

/** The length of all gradients as one vector. */
function emitLength(graph: StepGraph, gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) =>
    graph.node('ReduceSumSquare', [gradient], { keepdims: 0 }),
  )
  return graph.node('Sqrt', [graph.node('Sum', squares)])
}

/** Scales gradients so that together they are no longer than `most`. */
function emitClip(graph: StepGraph, length: Value, most: number | undefined) {
  if (most === undefined) return (gradient: Value) => gradient
  const share = graph.node('Div', [
    graph.scalar(most),
    graph.node('Max', [length, graph.scalar(most)]),
  ])
  return (gradient: Value) => graph.multiply(gradient, share)
}
