/** Gradients of activations and of what joins or arranges values element by element. */
import { float, type Value } from '../graph-builder.ts'
import type { Activation, ActivationLayer, Layer } from '../network.ts'
import type { Shape } from '../network-shapes.ts'
import type { Flow } from './flow.ts'
import type { BackwardContext, Rule } from './rule.ts'
import type { StepGraph } from './step-graph.ts'

type Of<Op extends Layer['op']> = Extract<Layer, { op: Op }>

/** Whether numbers that fill a block may pass: a function of 0 must be 0 and smooth enough to multiply by. */
const keepsZero = (op: Activation): boolean => op === 'relu' || op === 'relu6'

/** As a map where that is how it lies, else as ONNX orders it. */
const loose = (flow: Flow): { form: 'map' | 'plain'; value: Value } =>
  flow.isVector || (!flow.has('map') && flow.has('plain'))
    ? { form: 'plain', value: flow.plain() }
    : { form: 'map', value: flow.map() }

const inForm = (flow: Flow, form: 'map' | 'plain'): Value =>
  form === 'map' ? flow.map() : flow.plain()

/** Activations whose numbers do not depend on one another. */
type Smooth = Exclude<Activation, 'softmax'>
type SmoothLayer = ActivationLayer & { readonly op: Smooth }

export const activation: Rule<SmoothLayer> = {
  forward({ graph, make, flow }, { op, input, alpha }, shape) {
    const { form, value } = keepsZero(op)
      ? loose(flow(input))
      : { form: 'plain' as const, value: flow(input).plain() }
    return make(shape, { [form]: FUNCTIONS[op].value(graph, value, alpha) })
  },
  backward({ graph, make, flow, give }, { op, input, alpha }, gradient, result) {
    const form = keepsZero(op) && result.has('map') ? 'map' : 'plain'
    const y = inForm(result, form)
    const slope = FUNCTIONS[op].slope(graph, () => inForm(flow(input), form), y, alpha)
    const given = graph.multiply(inForm(gradient, form), slope)
    give(input, make(result.shape, { [form]: given }))
  },
}

/** y · (g − Σ g · y) */
export const softmax: Rule<ActivationLayer> = {
  forward({ graph, make, flow }, { input }, shape) {
    return make(shape, { plain: graph.node('Softmax', [flow(input).plain()], { axis: 1 }) })
  },
  backward({ graph, make, give }, { input }, gradient, result) {
    const y = result.plain()
    const g = gradient.plain()
    const mean = graph.node('ReduceSum', [graph.multiply(g, y), graph.ints([1])])
    const plain = graph.multiply(y, graph.node('Sub', [g, mean]))
    give(input, make(result.shape, { plain }))
  },
}

interface Slope {
  value(graph: StepGraph, x: Value, alpha: number | undefined): Value
  /** The derivative, element by element, from what came in and what came out. */
  slope(graph: StepGraph, x: () => Value, y: Value, alpha: number | undefined): Value
}

/** Makes more than 1 of every positive float32 that is computed with, times 6. */
const STEEP = 2 ** 125

const asNumbers = (graph: StepGraph, mask: Value): Value => graph.node('Cast', [mask], { to: 1 })

const compare = (graph: StepGraph, op: 'Greater' | 'Less', x: Value, bound: number): Value =>
  graph.node(op, [x, graph.scalar(bound)])

/** 1 where least < x < most, else 0. */
const between = (graph: StepGraph, x: Value, least: number, most: number): Value =>
  asNumbers(
    graph,
    graph.node('And', [compare(graph, 'Greater', x, least), compare(graph, 'Less', x, most)]),
  )

/** scale · x + offset. */
const line = (graph: StepGraph, x: Value, scale: number, offset: number): Value =>
  graph.add(graph.multiply(x, graph.scalar(scale)), graph.scalar(offset))

/** 1 and 0 where x is positive, `below` where it is not. */
const stepAt0 = (graph: StepGraph, x: Value, below: Value): Value =>
  graph.node('Where', [compare(graph, 'Greater', x, 0), graph.scalar(1), below])

const FUNCTIONS: Readonly<Record<Smooth, Slope>> = {
  relu: {
    value: (graph, x) => graph.node('Relu', [x]),
    slope: (graph, _x, y) => asNumbers(graph, compare(graph, 'Greater', y, 0)),
  },
  relu6: {
    value: (graph, x) => graph.node('Clip', [x, graph.scalar(0), graph.scalar(6)]),
    // y · (6 − y) is 0 at both ends and positive between them: 1 there, once it is steep enough.
    slope: (graph, _x, y) => {
      const bow = graph.multiply(y, graph.node('Sub', [graph.scalar(6), y]))
      return graph.node('HardSigmoid', [bow], { alpha: float(STEEP), beta: float(0) })
    },
  },
  'leaky-relu': {
    value: (graph, x, alpha = 0.01) => graph.node('LeakyRelu', [x], { alpha: float(alpha) }),
    slope: (graph, x, _y, alpha = 0.01) => stepAt0(graph, x(), graph.scalar(alpha)),
  },
  elu: {
    value: (graph, x, alpha = 1) => graph.node('Elu', [x], { alpha: float(alpha) }),
    // Below 0, α · eˣ is y + α.
    slope: (graph, x, y, alpha = 1) => stepAt0(graph, x(), line(graph, y, 1, alpha)),
  },
  sigmoid: {
    value: (graph, x) => graph.node('Sigmoid', [x]),
    slope: (graph, _x, y) => graph.multiply(y, line(graph, y, -1, 1)),
  },
  'hard-sigmoid': {
    value: (graph, x) => graph.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) }),
    slope: (graph, x) => graph.multiply(between(graph, x(), -3, 3), graph.scalar(1 / 6)),
  },
  tanh: {
    value: (graph, x) => graph.node('Tanh', [x]),
    slope: (graph, _x, y) => line(graph, graph.multiply(y, y), -1, 1),
  },
  silu: {
    value: (graph, x) => graph.multiply(x, graph.node('Sigmoid', [x])),
    // σ + y · (1 − σ)
    slope(graph, x, y) {
      const sigmoid = graph.node('Sigmoid', [x()])
      return graph.add(sigmoid, graph.multiply(y, line(graph, sigmoid, -1, 1)))
    },
  },
  'hard-swish': {
    value: (graph, x) => graph.node('HardSwish', [x]),
    // Between −3 and 3: x / 3 + 1 / 2; above: 1.
    slope(graph, input) {
      const x = input()
      return graph.node('Where', [
        compare(graph, 'Greater', x, 3),
        graph.scalar(1),
        graph.multiply(between(graph, x, -3, 3), line(graph, x, 1 / 3, 0.5)),
      ])
    },
  },
  gelu: {
    value: (graph, x) => graph.multiply(x, normalShare(graph, x)),
    // Φ(x) + x · φ(x)
    slope(graph, input) {
      const x = input()
      const density = graph.node('Exp', [graph.multiply(graph.multiply(x, x), graph.scalar(-0.5))])
      const scaled = graph.multiply(density, graph.scalar(1 / Math.sqrt(2 * Math.PI)))
      return graph.add(normalShare(graph, x), graph.multiply(x, scaled))
    },
  },
  root: {
    value: (graph, x) => graph.node('Sqrt', [graph.node('Relu', [x])]),
    // 1 / (2y), and 0 where nothing came out.
    slope: (graph, _x, y) =>
      graph.node('Where', [
        compare(graph, 'Greater', y, 0),
        graph.node('Div', [graph.scalar(0.5), y]),
        graph.scalar(0),
      ]),
  },
}

/** Φ(x), the share of a normal distribution below x. */
function normalShare(graph: StepGraph, x: Value): Value {
  const turned = graph.node('Erf', [graph.multiply(x, graph.scalar(Math.SQRT1_2))])
  return line(graph, turned, 0.5, 0.5)
}

/** The axes over which a smaller value was repeated, summed again. */
function sumTo({ graph, make }: BackwardContext, flow: Flow, to: Shape): Flow {
  const { height, width } = flow.shape
  const axes = [...(height !== to.height ? [2] : []), ...(width !== to.width ? [3] : [])]
  if (axes.length === 0) return flow
  return make(to, { plain: graph.node('ReduceSum', [flow.plain(), graph.ints(axes)]) })
}

export const addition: Rule<Of<'add' | 'multiply'>> = {
  forward({ graph, make, flow }, { op, inputs }, shape) {
    const [left, right] = inputs.map(flow) as [Flow, Flow]
    const alike = left.shape.height === right.shape.height && left.shape.width === right.shape.width
    const form = alike && !left.isVector ? 'map' : 'plain'
    const node = op === 'add' ? graph.add : graph.multiply
    return make(shape, { [form]: node(inForm(left, form), inForm(right, form)) })
  },
  backward(context, { op, inputs }, gradient) {
    const { flow, make, graph, give, wantsGradient } = context
    for (const [at, id] of inputs.entries()) {
      if (!wantsGradient(id)) continue
      const { shape } = flow(id)
      if (op === 'add') {
        give(id, sumTo(context, gradient, shape))
        continue
      }
      const other = flow(inputs[1 - at] ?? id)
      const product = graph.multiply(gradient.plain(), other.plain())
      give(id, sumTo(context, make(gradient.shape, { plain: product }), shape))
    }
  },
}

export const scale: Rule<Of<'scale'>> = {
  weights: ({ name }, { channels }) => ({
    [`${name}/scale`]: [channels],
    [`${name}/offset`]: [channels],
  }),
  forward({ graph, make, flow, weight }, { name, input }, shape) {
    const scaled = graph.multiply(flow(input).rows(), weight(`${name}/scale`))
    return make(shape, rowsOf(shape, graph.add(scaled, weight(`${name}/offset`))))
  },
  backward({ graph, make, flow, weight, wantsGradient, give, giveWeight }, layer, gradient) {
    const { name, input } = layer
    const rows = gradient.rows()
    giveWeight(`${name}/offset`, graph.sum(rows, [0]))
    giveWeight(`${name}/scale`, graph.sum(graph.multiply(rows, flow(input).rows()), [0]))
    if (!wantsGradient(input)) return
    const given = graph.multiply(rows, weight(`${name}/scale`))
    give(input, make(gradient.shape, rowsOf(gradient.shape, given)))
  },
}

const rowsOf = ({ height }: Shape, value: Value) =>
  height === undefined ? { plain: value } : { rows: value }

/** Channels after channels, as rows: a copy of whole runs of channels. */
export const concatenation: Rule<Of<'concat'>> = {
  forward({ graph, make, flow, layout }, { inputs }, shape) {
    const parts = inputs.map(flow)
    const wholeBlocks = parts.every((part) => part.shape.channels % layout.block === 0)
    if (parts[0]?.isVector !== true && wholeBlocks) {
      const map = graph.node(
        'Concat',
        parts.map((part) => part.map()),
        { axis: 1 },
      )
      return make(shape, { map })
    }
    const plain = graph.node(
      'Concat',
      parts.map((part) => part.plain()),
      { axis: 1 },
    )
    return make(shape, { plain })
  },
  backward({ graph, make, flow, layout, wantsGradient, give }, { inputs }, gradient, result) {
    const parts = inputs.map((id) => flow(id).shape)
    const form =
      result.has('map') && parts.every(({ channels }) => channels % layout.block === 0)
        ? 'map'
        : 'plain'
    let from = 0
    for (const [at, id] of inputs.entries()) {
      const shape = parts[at]!
      const to = from + shape.channels
      if (wantsGradient(id)) {
        const given = graph.slice(inForm(gradient, form), { axis: 1, from, to })
        give(id, make(shape, { [form]: given }))
      }
      from = to
    }
  },
}

export const padding: Rule<Of<'pad'>> = {
  forward({ graph, make, flow }, { input, padding: [top, left, bottom, right] }, shape) {
    const padded = graph.pad(flow(input).plain(), [0, 0, top, left], [0, 0, bottom, right])
    return make(shape, { plain: padded })
  },
  backward({ graph, make, flow, give }, { input, padding: [top, left] }, gradient) {
    const { shape } = flow(input)
    const { height, width } = flow(input).mapShape
    const rows = graph.slice(gradient.plain(), { axis: 2, from: top, to: top + height })
    const plain = graph.slice(rows, { axis: 3, from: left, to: left + width })
    give(input, make(shape, { plain }))
  },
}

/** A vector that is a map of one position, and back: the same numbers. */
export const toMap: Rule<Of<'to-map'>> = {
  forward({ graph, make, flow, photos }, { input }, shape) {
    return make(shape, {
      plain: graph.reshape(flow(input).plain(), [photos, shape.channels, 1, 1]),
    })
  },
  backward({ graph, make, flow, give, photos }, { input }, gradient) {
    const { shape } = flow(input)
    give(input, make(shape, { plain: graph.reshape(gradient.plain(), [photos, shape.channels]) }))
  },
}

export const flatten: Rule<Of<'flatten'>> = {
  forward({ graph, make, flow, photos }, { input, channels }, shape) {
    const value = channels === 'slowest' ? flow(input).plain() : flow(input).rows()
    return make(shape, { plain: graph.reshape(value, [photos, shape.channels]) })
  },
  backward({ graph, make, flow, give, photos }, { input, channels }, gradient) {
    const { shape } = flow(input)
    const map = flow(input).mapShape
    const [dims, form] =
      channels === 'slowest'
        ? [[photos, map.channels, map.height, map.width], 'plain' as const]
        : [[photos * map.height * map.width, map.channels], 'rows' as const]
    give(input, make(shape, { [form]: graph.reshape(gradient.plain(), dims) }))
  },
}

/** y = x / |x|, so that what points along y goes: (g − y · Σ g · y) / |x|. */
export const unit: Rule<Of<'unit'>> = {
  forward({ graph, make, flow }, { input }, shape) {
    return make(shape, {
      plain: graph.node('LpNormalization', [flow(input).plain()], { axis: 1, p: 2 }),
    })
  },
  backward({ graph, make, flow, give }, { input }, gradient, result) {
    const y = result.plain()
    const g = gradient.plain()
    const along = graph.node('ReduceSum', [graph.multiply(g, y), graph.ints([1])])
    const across = graph.node('Sub', [g, graph.multiply(y, along)])
    const length = graph.node('ReduceL2', [flow(input).plain(), graph.ints([1])])
    // A row of zeros stays, and has no direction in which it could change.
    const safe = graph.node('Max', [length, graph.scalar(1e-12)])
    give(input, make(result.shape, { plain: graph.node('Div', [across, safe]) }))
  },
}

export const mirror: Rule<Of<'mirror'>> = {
  forward({ graph, make, flow }, { input }, shape) {
    return make(shape, { plain: backwards(graph, flow(input).plain()) })
  },
  backward({ graph, make, give }, { input }, gradient) {
    give(input, make(gradient.shape, { plain: backwards(graph, gradient.plain()) }))
  },
}

const backwards = (graph: StepGraph, map: Value): Value =>
  graph.slice(map, { axis: 3, from: 0, to: 0, step: -1 })

export const clip: Rule<Of<'clip'>> = {
  forward({ graph, make, flow }, { input, least, most }, shape) {
    const bounds = [graph.scalar(least), graph.scalar(most)]
    return make(shape, { plain: graph.node('Clip', [flow(input).plain(), ...bounds]) })
  },
  backward({ graph, make, flow, give }, { input, least, most }, gradient) {
    const slope = between(graph, flow(input).plain(), least, most)
    give(input, make(gradient.shape, { plain: graph.multiply(gradient.plain(), slope) }))
  },
}
