/** Where a network can be divided into a part that stays as it is and a part that learns. */
import { INPUT, inputsOf, type LayerId, type Network, toPair } from './network.ts'
import { inferShapes, type Shape } from './network-shapes.ts'

export interface Cut {
  /** The result that is all that later layers read of earlier ones; `INPUT` where all layers lie behind it. */
  readonly layer: LayerId
  readonly shape: Required<Shape>
  /** Share of the multiplications that lie behind it, 0 to 1. */
  readonly shareBehind: number
}

/** All cuts through maps on the way to `features`, from the photo on. */
export function findCuts(network: Network): Cut[] {
  const { layers, input } = network
  const shapes = inferShapes(network)
  const shapeOf = (id: LayerId): Shape =>
    id === INPUT ? { channels: 3, height: input.size, width: input.size } : shapes[id]!
  const costs = layers.map((_, id) => multiplications(network, id, shapeOf))
  const total = costs.reduce((sum, cost) => sum + cost, 0)
  /** The last layer that reads each result. */
  const lastReader = new Map<LayerId, number>()
  for (const [id, layer] of layers.entries()) {
    for (const from of inputsOf(layer)) lastReader.set(from, id)
  }
  const end = network.outputs['features']?.layer ?? layers.length - 1
  const cuts: Cut[] = []
  let behind = total
  /** The latest reader of any result before the layer at hand. */
  let reach = INPUT
  for (let layer = INPUT; layer < end; layer++) {
    if (layer !== INPUT) behind -= costs[layer]!
    const { channels, height, width } = shapeOf(layer)
    if (reach <= layer && height !== undefined && width !== undefined) {
      cuts.push({ layer, shape: { channels, height, width }, shareBehind: behind / total })
    }
    reach = Math.max(reach, lastReader.get(layer) ?? layer)
  }
  return cuts
}

function multiplications(
  { layers }: Network,
  id: LayerId,
  shapeOf: (id: LayerId) => Shape,
): number {
  const layer = layers[id]!
  if (layer.op === 'conv') {
    const { channels, height = 1, width = 1 } = shapeOf(id)
    const [taps, others] = toPair(layer.kernelSize)
    const perValue = (taps * others * shapeOf(layer.input).channels) / layer.groups
    return channels * height * width * perValue
  }
  return layer.op === 'dense' ? layer.units * shapeOf(layer.input).channels : 0
}
