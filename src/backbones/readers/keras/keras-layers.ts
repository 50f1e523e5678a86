/** The layers of a Keras file that have weights, in the order in which Keras goes through a model. */
import { invalidModel } from '../foreign/model-errors.ts'
import type { Hdf5File, Hdf5Tensor } from '../hdf5.ts'

export interface KerasLayer {
  /** Path in the file, e.g. `/model_weights/Conv1/Conv1` or `/layers/conv2d_3`. */
  readonly path: string
  /** The class of the layer in snake case where the file tells it, e.g. `depthwise_conv2d`. */
  readonly kind?: string
  /** What the layer stands in: the path of a model, which may be a part of another one. */
  readonly model: string
  /** In the order in which the layer made them: gamma before beta before mean before variance. */
  readonly variables: readonly Hdf5Tensor[]
}

/**
 * Lists the layers of a file in either of Keras's layouts:
 *
 * - until Keras 2, and where Keras 3 writes `.h5` (keras/src/legacy/saving/legacy_h5_format.py): attributes list the
 *   layers and the variables of each, `<layer>/<layer>/kernel:0`; of a whole model below `model_weights`;
 * - Keras 3 (keras/src/saving/saving_lib.py): `layers/<class>_<number>/vars/<number>`, numbered for each class, a model
 *   inside a model as one of its layers.
 *
 * Throws `model_invalid` where the file has neither.
 */
export function readKerasLayers(file: Hdf5File): KerasLayer[] {
  for (const root of ['/model_weights', '/']) {
    const names = file.texts(root, 'layer_names')
    if (names !== undefined) return names.flatMap((name) => [...listedLayers(file, root, name)])
  }
  const layers = [...numberedLayers(file, '/', 0, { groups: 0 })]
  if (layers.length > 0) return layers
  const members = file.members('/').slice(0, 5).join(', ')
  throw invalidModel(
    `Expected weights of Keras: the attribute layer_names, or a group layers; received ${members || 'nothing'}`,
  )
}

/** Variables of one group are those of one layer, or, where it is a model, of several that their names tell apart. */
function* listedLayers(file: Hdf5File, root: string, name: string): Generator<KerasLayer> {
  const group = join(root, name)
  const layers = new Map<string, Hdf5Tensor[]>()
  for (const variable of file.texts(group, 'weight_names') ?? []) {
    const path = join(group, variable)
    const tensor = file.tensor(path)
    if (tensor === undefined) throw invalidModel(`Expected the tensor ${path}, which is listed`)
    const layer = path.slice(0, path.lastIndexOf('/'))
    layers.set(layer, [...(layers.get(layer) ?? []), tensor])
  }
  const model = layers.size > 1 ? group : root
  for (const [path, variables] of layers) yield { path, model, variables }
}

/** Models inside models inside models: nobody stacks more. */
const MAX_DEPTH = 16
/** InceptionV3 has a thousand groups. Links of HDF5 may go round in a circle. */
const MAX_GROUPS = 100_000

/** Layers of the last class first; within a class in the order of their numbers. */
function* numberedLayers(
  file: Hdf5File,
  path: string,
  depth: number,
  visited: { groups: number },
): Generator<KerasLayer> {
  if (depth > MAX_DEPTH || ++visited.groups > MAX_GROUPS) {
    throw invalidModel(`Expected layers of Keras, received groups without an end at ${path}`)
  }
  for (const member of file.members(path).sort(byNumber)) {
    const below = join(path, member)
    if (member === 'vars' || below === '/optimizer') continue
    const variables = file
      .members(join(below, 'vars'))
      .sort(byNumber)
      .flatMap((name) => file.tensor(join(below, `vars/${name}`)) ?? [])
    if (variables.length > 0) {
      yield { path: below, model: path, kind: member.replace(/_\d+$/, ''), variables }
    }
    yield* numberedLayers(file, below, depth + 1, visited)
  }
}

const numbers = new Intl.Collator('en', { numeric: true })
/** `conv2d`, `conv2d_1`, `conv2d_2`, `conv2d_10`. */
const byNumber = (one: string, other: string): number => numbers.compare(one, other)

const join = (group: string, name: string): string =>
  group === '/' ? `/${name}` : `${group}/${name}`
