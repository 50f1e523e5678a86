/** Weights of an architecture, drawn at random, in a file as Keras publishes them. */
import type { Architecture } from '../../src/backbones/architecture.ts'
import { describeNetwork } from '../../src/backbones/architectures.ts'
import { kerasOrder } from '../../src/backbones/readers/keras/keras-order.ts'
import { toPair } from '../../src/tensor/network.ts'
import { inferShapes } from '../../src/tensor/network-shapes.ts'
import { type Hdf5Group, type Hdf5Values, writeHdf5 } from './hdf5.ts'

/** The same `seed` gives the same bytes. */
export async function writeKerasWeights(
  architecture: Architecture,
  { seed = 1, classes = 1000 } = {},
): Promise<Uint8Array> {
  const network = describeNetwork(architecture, { classes })
  const shapes = inferShapes(network)
  let state = seed
  const draw = (dims: readonly number[], from: number, to: number): Hdf5Values => {
    const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1))
    for (let at = 0; at < data.length; at++) {
      // A linear congruential generator (Numerical Recipes, section 7.1) is random enough for weights.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      data[at] = from + (state / 2 ** 32) * (to - from)
    }
    return { dims, data }
  }
  const layers: [string, Readonly<Record<string, Hdf5Values>>][] = []
  for (const [at, layer] of kerasOrder(network).entries()) {
    const channels = layer.input < 0 ? 3 : (shapes[layer.input]?.channels ?? 0)
    if (layer.op === 'dense') {
      const bias = draw([layer.units], -0.1, 0.1)
      layers.push(['predictions', { kernel: draw([channels, layer.units], -0.1, 0.1), bias }])
      continue
    }
    const { filters, kernelSize, groups } = layer
    const spread = 1 / Math.sqrt((channels / groups) * toPair(kernelSize)[0] ** 2)
    const isDepthwise = groups > 1
    const dims = [...toPair(kernelSize), channels, isDepthwise ? 1 : filters]
    const kernel = draw(dims, -2 * spread, 2 * spread)
    const variables = isDepthwise ? { depthwise_kernel: kernel } : { kernel }
    layers.push([`${isDepthwise ? 'depthwise_conv2d' : 'conv2d'}_${at}`, variables])
    layers.push([`batch_normalization_${at}`, normOf(filters, architecture.id, draw)])
  }
  return writeHdf5({
    attributes: { layer_names: layers.map(([name]) => name) },
    members: Object.fromEntries(
      layers.map(([name, variables]) => [name, groupOf(name, variables)]),
    ),
  })
}

/** InceptionV3 of Keras has no gamma. */
function normOf(
  channels: number,
  architecture: string,
  draw: (dims: readonly number[], from: number, to: number) => Hdf5Values,
): Readonly<Record<string, Hdf5Values>> {
  const gamma = architecture === 'inception-v3' ? {} : { gamma: draw([channels], 0.8, 1.2) }
  const [beta, moving_mean] = [draw([channels], -0.1, 0.1), draw([channels], -0.1, 0.1)]
  return { ...gamma, beta, moving_mean, moving_variance: draw([channels], 0.8, 1.2) }
}

function groupOf(name: string, variables: Readonly<Record<string, Hdf5Values>>): Hdf5Group {
  const members = Object.fromEntries(
    Object.entries(variables).map(([variable, values]) => [`${variable}:0`, values]),
  )
  const weight_names = Object.keys(members).map((variable) => `${name}/${variable}`)
  return { attributes: { weight_names }, members: { [name]: { members } } }
}
