/** y = x · Wᵀ + b: by x: g · W; by W: gᵀ · x; by b: the sum over photos. */
import type { DenseLayer } from '../network.ts'
import type { Rule } from './rule.ts'
import { sumOfPositions } from './slide-back.ts'

export const dense: Rule<DenseLayer> = {
  weights: ({ name, units }, { channels }) => ({
    [`${name}/kernel`]: [units, channels],
    [`${name}/bias`]: [units],
  }),
  forward({ graph, make, flow, weight }, { name, input }, shape) {
    const inputs = [flow(input).plain(), weight(`${name}/kernel`), weight(`${name}/bias`)]
    return make(shape, { plain: graph.node('Gemm', inputs, { transB: 1 }) })
  },
  backward(context, layer, gradient) {
    const { graph, make, flow, weight, wantsGradient, give, giveWeight } = context
    const { name, input } = layer
    const g = gradient.plain()
    giveWeight(`${name}/bias`, sumOfPositions(context, gradient))
    giveWeight(`${name}/kernel`, graph.node('Gemm', [g, flow(input).plain()], { transA: 1 }))
    if (!wantsGradient(input)) return
    const plain = graph.node('Gemm', [g, weight(`${name}/kernel`)])
    give(input, make(flow(input).shape, { plain }))
  },
}
