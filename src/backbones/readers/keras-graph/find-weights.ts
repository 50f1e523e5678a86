/** Finds the weights of a layer in the layouts in which Keras and TensorFlow.js keep them. */
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import type { LayerPath } from './keras-network.ts'

/** Weights of one layer, in the order in which it made them. */
export interface StoredLayer {
  readonly path: string
  readonly variables: readonly { read(): FloatTensor }[]
}

const read = (layer: StoredLayer | undefined): readonly FloatTensor[] =>
  layer?.variables.map((variable) => variable.read()) ?? []

/** Keras 3: `/layers/functional/layers/conv2d_1`, by class and number in each model. */
export function findByClass(layers: readonly StoredLayer[]) {
  const byPath = new Map(layers.map((layer) => [layer.path, layer]))
  return ({ filed }: LayerPath): readonly FloatTensor[] =>
    read(byPath.get(filed.map((part) => `/layers/${part}`).join('')))
}

/**
 * By the layer's own name, the last part of the path: the layers of a model in a model lie in one group with its name,
 * with other names in between or none. Where several layers have the name, the names around it tell them apart.
 */
export function findByName(layers: readonly StoredLayer[]) {
  const byName = new Map<string, StoredLayer[]>()
  const byGroup = new Map<string, StoredLayer[]>()
  for (const layer of layers) {
    const parts = layer.path.split('/').filter((part) => part !== '' && part !== 'model_weights')
    push(byName, parts.at(-1) ?? '', layer)
    push(byGroup, parts[0] ?? '', layer)
  }
  return ({ names }: LayerPath): readonly FloatTensor[] => {
    const [outermost = ''] = names
    const group = byGroup.get(outermost) ?? []
    // Whatever the variables of the one layer are called, they are its.
    if (names.length === 1 && group.length === 1) return read(group[0])
    const named = byName.get(names.at(-1) ?? '') ?? []
    const near = narrow(named, (layer) => group.includes(layer))
    const [found, ...others] = narrow(near, ({ path }) => {
      const parts = path.split('/')
      return names.every((name) => parts.includes(name))
    })
    if (others.length === 0) return read(found)
    throw invalidModel(`Expected one layer ${names.join('/')}, the file has weights of several`)
  }
}

/** Those that fit where any does, else all. */
function narrow(layers: StoredLayer[], fits: (layer: StoredLayer) => boolean): StoredLayer[] {
  const fitting = layers.filter(fits)
  return fitting.length > 0 ? fitting : layers
}

function push(groups: Map<string, StoredLayer[]>, key: string, layer: StoredLayer): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [layer])
  else group.push(layer)
}
