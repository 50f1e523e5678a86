/** Plans a training step: a network, its weights and options in, one ONNX graph out. */
import { VergerError } from '../../core/errors.ts'
import { requireWeight } from '../emit-onnx.ts'
import { createGraphBuilder, type GraphBuilder, type Value } from '../graph-builder.ts'
import { INPUT, inputsOf, type Layer, type LayerId, type Network } from '../network.ts'
import { inferShapes, type Shape } from '../network-shapes.ts'
import type { Observation } from '../quantize.ts'
import { elementCount, type Weights } from '../tensor.ts'
import { createNormalisedConvolution, emitRunning } from './batch-norm.ts'
import { emitFrozenLayers, emitRoundedLayers } from './frozen-layers.ts'
import { emitLoss } from './loss.ts'
import { findBlock } from './map-block.ts'
import { createLayout } from './map-layout.ts'
import { emitUpdate, MOMENTS, STEP_SCALARS, type Update } from './optimisers.ts'
import { differentiate, type TrainedPart } from './reverse.ts'
import type { Rule } from './rule.ts'
import { findRule } from './rules.ts'
import { createStepGraph, type StepGraph } from './step-graph.ts'
import { averageName, initialState } from './step-state.ts'
import type { StateTensor, TrainingOptions, TrainingStep } from './training-step.ts'

/** Names of a step's results. */
export const STEP_RESULTS = ['loss', 'gradientNorm', 'correct'] as const
/** The input that dropout reads, `[photos, features]`: 0 where it leaves out, 1 / (1 − rate) elsewhere. */
export const DROPOUT_INPUT = 'kept'
/** Length of a gradient that counts as none. */
const SHORTEST = 1e-12
/** The name of a state tensor behind the step. */
export const nextName = (name: string): string => `next ${name}`

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
  const { batchSize: photos, firstRateShare = 1 } = options
  const classes = logits.width

  /** Statistics of the batch by the name of the running ones. */
  const running = new Map<string, Value>()
  const normalised = createNormalisedConvolution(({ name }, { mean, variance }) => {
    // Where a step looks uphill too, those of the weights as they are count.
    if (running.has(`${name}#mean`)) return
    running.set(`${name}#mean`, mean).set(`${name}#variance`, variance)
  })
  const rule = (layer: Layer): Rule =>
    options.batchNorm !== 'frozen' && layer.op === 'conv'
      ? (normalised as unknown as Rule)
      : findRule(layer)
  const parameters = parametersOf(network, { first, shape, rule })
  const dimsOf = new Map(parameters.map(({ name, dims }) => [name, dims]))
  const initial = initialState(network.name, weights, parameters, options)
  for (const [name, { dims }] of initial) builder.input(name, 'float32', [elementCount(dims)])
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
  const frozen = emitBeforeFirst(network, weights, { builder, graph, first, levels, observed })
  const layout = createLayout(graph, block)
  const descend = (weight: TrainedPart['weight'], count: number) => {
    const firstOf = (value: Value) =>
      count === photos ? value : graph.slice(value, { axis: 0, from: 0, to: count })
    const { result, gradients } = differentiate({
      ...{ graph, layout, layers: network.layers, shape, first, rule, weight },
      ...{ photos: count, frozen: (id) => firstOf(frozen(id)) },
      last: logits.layer,
      ...(factor && { factor: { layer: factor.layer, value: firstOf(factor.value) } }),
    })
    const loss = emitLoss(graph, {
      ...{ logits: result.plain(), targets: firstOf(targets), photos: count },
    })
    return { loss, byWeight: gradients(loss.gradient) }
  }
  const flat = (name: string, gradient: Value) =>
    graph.reshape(gradient, [elementCount(dimsOf.get(name) ?? [])])
  const asKernel = (name: string, value: Value) => graph.reshape(value, dimsOf.get(name) ?? [])
  const uphill = emitUphill(graph, options.sharpness, {
    steepest: (count) => descend((name) => asKernel(name, name), count).byWeight,
    flat,
  })
  const { loss, byWeight } = descend((name) => asKernel(name, uphill.get(name) ?? name), photos)
  const length = emitLength(graph, [...byWeight.values()])
  const clipped = emitClip(graph, length, options.gradientClip)
  const next = new Map<string, Value>()
  for (const [place, { name }] of parameters.entries()) {
    const gradient = byWeight.get(name)
    if (gradient === undefined) throw new Error(`no gradient of ${name}`)
    const rateShare = firstRateShare ** (1 - place / Math.max(1, parameters.length - 1))
    const update = { gradient: clipped(flat(name, gradient)), rateShare }
    for (const [of, value] of emitNext(graph, name, update, options)) next.set(of, value)
  }
  for (const [name, value] of running) next.set(name, emitRunning(graph, name, value))
  builder.output('loss', loss.loss, 'float32', [])
  builder.output('gradientNorm', length, 'float32', [])
  builder.output('correct', loss.correct, 'float32', [])
  for (const [name, value] of next) {
    const count = elementCount(initial.get(name)?.dims ?? [])
    builder.output(nextName(name), value, 'float32', [count])
  }
  return {
    model: builder.encode(),
    batchSize: photos,
    size,
    classes,
    ...(dropoutDims && { dropoutDims }),
    options,
    parameters,
    state: [...initial].map(([name, { dims }]) => ({ name, dims })),
    initial,
  }
}

/** The weight of this name, its moments and its average behind a step. */
function emitNext(
  graph: StepGraph,
  name: string,
  update: Pick<Update, 'gradient' | 'rateShare'>,
  { optimiser, averageDecay }: TrainingOptions,
): [string, Value][] {
  const moments = MOMENTS[optimiser.kind].map((moment) => `${name}#${moment}`)
  const decays = name.endsWith('/kernel')
  const updated = emitUpdate(graph, optimiser, { ...update, value: name, moments, decays })
  const next: [string, Value][] = [
    [name, updated.value],
    ...moments.map((moment, at): [string, Value] => [moment, updated.moments[at] ?? '']),
  ]
  if (averageDecay === undefined) return next
  const difference = graph.node('Sub', [averageName(name), updated.value])
  const average = graph.add(updated.value, graph.multiply(difference, 'averageKeep'))
  return [...next, [averageName(name), average]]
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

interface Steepest {
  /** Gradients of the first so many photos at the weights as they are. */
  steepest(photos: number): ReadonlyMap<string, Value>
  flat(name: string, gradient: Value): Value
}

/**
 * Weights so far away, over all of them together, where the loss grows fastest (Foret et al. 2020,
 * https://arxiv.org/abs/2010.01412, equation 2); none where a step does not look there.
 */
function emitUphill(
  graph: StepGraph,
  sharpness: TrainingOptions['sharpness'],
  { steepest, flat }: Steepest,
): ReadonlyMap<string, Value> {
  if (sharpness === undefined) return new Map()
  const gradients = steepest(sharpness.photos)
  const length = emitLength(graph, [...gradients.values()])
  // A gradient of nothing leads nowhere, and must not become a number that is none.
  const share = graph.node('Div', [
    graph.scalar(sharpness.radius),
    graph.node('Max', [length, graph.scalar(SHORTEST)]),
  ])
  return new Map(
    [...gradients].map(([name, gradient]) => [
      name,
      graph.add(name, graph.multiply(flat(name, gradient), share)),
    ]),
  )
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
