import type { ConvLayer, DenseLayer, LayerId, Network } from '../../../tensor/network.ts'
import { layerInputs } from '../../inner-features.ts'

/**
 * The convolutions and dense layers of a network in the order in which Keras lists the layers of the same model, which is
 * that of its files: by the longest way to the output, the longest first; of the same length, as they are met on the way
 * back from the output through first inputs first (`map_graph` in keras/src/ops/function.py). Each convolution stands for
 * two layers there, itself and its batch norm.
 */
export function kerasOrder(network: Network): (ConvLayer | DenseLayer)[] {
  const { layers } = network
  const ends = Object.values(network.outputs).map(({ layer }) => layer)
  const depths = new Int32Array(layers.length)
  for (let id = layers.length - 1; id >= 0; id--) {
    const layer = layers[id]!
    if (layer.op === 'conv') depths[id]! += 1
    for (const input of layerInputs(layer)) {
      if (input >= 0) depths[input] = Math.max(depths[input]!, depths[id]! + 1)
    }
  }
  const met = new Map<LayerId, number>()
  const waiting = [...ends].sort((one, other) => one - other)
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id < 0 || met.has(id)) continue
    met.set(id, met.size)
    waiting.push(...[...layerInputs(layers[id]!)].reverse())
  }
  return [...met.keys()]
    .sort((one, other) => depths[other]! - depths[one]! || met.get(one)! - met.get(other)!)
    .flatMap((id) => {
      const layer = layers[id]!
      return layer.op === 'conv' || layer.op === 'dense' ? [layer] : []
    })
}
