/**
 * A convolution that is normalised by the statistics of its batch while it trains (Ioffe & Szegedy,
 * https://arxiv.org/abs/1502.03167). With x the convolution, x̂ = (x − μ) / σ and y = γ · x̂ + β, all per channel, the gradient
 * g of y gives (means over photos and positions):
 *   by β: Σ g   by γ: Σ g · x̂   by x: γ / σ · (g − mean g − x̂ · mean(g · x̂)).
 * Both lines are a factor and a summand for each channel: a depthwise convolution of one tap.
 */
import type { Value } from '../graph-builder.ts'
import type { ConvLayer } from '../network.ts'
import { convolution, convolve, convolveBack } from './convolution.ts'
import type { Flow } from './flow.ts'
import type { Slide } from './map-layout.ts'
import type { Rule, RuleContext } from './rule.ts'

/** Added to variances. Networks of Verger come with batch norm folded, so that theirs is no longer known. */
export const NORM_EPSILON = 1e-3
/** Share of the running statistics that a step keeps, as Keras has it. */
const RUNNING_KEEP = 0.99

/** What the batch said of a convolution, `[channels]`. */
export interface BatchStatistics {
  readonly mean: Value
  readonly variance: Value
}

interface Saved {
  readonly convolved: Flow
  /** Per channel of whole blocks. */
  readonly mean: Value
  readonly inverse: Value
  readonly factor: Value
}

const ONE_TAP: Slide = { taps: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] }

/** A rule that remembers, from its way forward to its way back, what it computed. */
export function createNormalisedConvolution(
  onStatistics: (layer: ConvLayer, statistics: BatchStatistics) => void,
): Rule<ConvLayer> {
  const saved = new Map<string, Saved>()
  return {
    weights(layer, from) {
      const kernel = `${layer.name}/kernel`
      const dims = convolution.weights?.(layer, from)[kernel] ?? []
      return {
        [kernel]: dims,
        [`${layer.name}/gamma`]: [layer.filters],
        [`${layer.name}/beta`]: [layer.filters],
      }
    },

    forward(context, layer, shape) {
      const { graph, layout, make, weight } = context
      const { filters } = layer
      const channels = layout.filled(filters)
      const convolved = convolve(context, layer, shape)
      const x = convolved.map()
      const mean = overPhotos(context, layout.mean(x, convolved.mapShape))
      const square = overPhotos(context, layout.meanOfProducts(x, x, convolved.mapShape))
      const spread = graph.node('Sub', [square, graph.multiply(mean, mean)])
      const variance = graph.node('Max', [spread, graph.scalar(0)])
      const deviation = graph.node('Sqrt', [graph.add(variance, graph.scalar(NORM_EPSILON))])
      const inverse = graph.node('Div', [graph.scalar(1), deviation])
      const factor = graph.multiply(
        layout.perChannel(weight(`${layer.name}/gamma`), filters),
        inverse,
      )
      const beta = layout.perChannel(weight(`${layer.name}/beta`), filters)
      const summand = graph.node('Sub', [beta, graph.multiply(mean, factor)])
      saved.set(layer.name, { convolved, mean, inverse, factor })
      const ofChannels = (values: Value) => graph.slice(values, { axis: 0, from: 0, to: filters })
      onStatistics(layer, { mean: ofChannels(mean), variance: ofChannels(variance) })
      return make(shape, { map: rescale(context, x, factor, { channels, bias: summand }) })
    },

    backward(context, layer, gradient) {
      const { graph, layout, make, giveWeight } = context
      const channels = layout.filled(layer.filters)
      const kept = saved.get(layer.name)
      if (kept === undefined) throw new Error(`no way forward through ${layer.name}`)
      const { convolved, mean, inverse, factor } = kept
      const x = convolved.map()
      const g = gradient.map()
      const { photos, height, width } = convolved.mapShape
      const count = graph.scalar(photos * height * width)
      const meanGradient = overPhotos(context, layout.mean(g, convolved.mapShape))
      const product = overPhotos(context, layout.meanOfProducts(x, g, convolved.mapShape))
      const centred = graph.node('Sub', [product, graph.multiply(mean, meanGradient)])
      const alongNormal = graph.multiply(centred, inverse)
      const give = (name: string, values: Value) =>
        giveWeight(
          `${layer.name}/${name}`,
          graph.slice(graph.multiply(values, count), { axis: 0, from: 0, to: layer.filters }),
        )
      give('beta', meanGradient)
      give('gamma', alongNormal)
      const slope = graph.multiply(graph.multiply(factor, inverse), alongNormal)
      const summand = graph.node('Sub', [
        graph.multiply(slope, mean),
        graph.multiply(factor, meanGradient),
      ])
      const less = rescale(context, x, graph.node('Neg', [slope]), { channels, bias: summand })
      const map = rescale(context, g, factor, { channels, sum: less })
      convolveBack(context, layer, make(gradient.shape, { map }))
    },
  }
}

/** The running statistics after a batch. */
export const emitRunning = (
  { multiply, add, scalar }: RuleContext['graph'],
  running: Value,
  ofBatch: Value,
): Value =>
  add(multiply(running, scalar(RUNNING_KEEP)), multiply(ofBatch, scalar(1 - RUNNING_KEEP)))

/** The mean of `[photos, channels]` for each channel. */
const overPhotos = ({ graph }: RuleContext, values: Value): Value =>
  graph.node('ReduceMean', [values, graph.ints([0])], { keepdims: 0 })

/** Every channel times its factor, and more. */
function rescale(
  { graph, layout }: RuleContext,
  map: Value,
  factor: Value,
  { channels, ...more }: { channels: number; bias?: Value; sum?: Value },
): Value {
  const kernel = graph.reshape(factor, [channels, 1, 1, 1])
  return layout.depthwise(map, kernel, ONE_TAP, channels, more)
}
