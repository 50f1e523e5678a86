/** The weights of an architecture that we know, from a file of Keras. */

import { VergerError } from '../../../core/errors.ts'
import { foldBatchNorm } from '../../../tensor/fold-batch-norm.ts'
import { type ConvLayer, type DenseLayer, toPair } from '../../../tensor/network.ts'
import { inferShapes } from '../../../tensor/network-shapes.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import type { Architecture } from '../../architecture.ts'
import { ARCHITECTURE_IDS, describeNetwork } from '../../architectures.ts'
import type { ForeignModel } from '../../foreign-model.ts'
import { onlyOutputs } from '../../inner-features.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import { convKernel, denseKernel, depthwiseKernel } from '../foreign/permute.ts'
import type { Hdf5Tensor } from '../hdf5.ts'
import { withKerasFile } from './keras-file.ts'
import { type KerasLayer, readKerasLayers } from './keras-layers.ts'
import { kerasOrder } from './keras-order.ts'

/**
 * Reads the weights of `architecture` from a `.h5`, `.weights.h5` or `.keras` file by the order of its layers: names of
 * Keras carry numbers that depend on what else was built before. A file without its top, or with one of another kind,
 * gives `features` alone; a note says so. Throws `model_invalid` naming the first tensor that does not fit.
 */
export function readKerasWeights(path: string, architecture: Architecture): Promise<ForeignModel> {
  return withKerasFile(path, ({ weights }) =>
    mapKerasLayers(readKerasLayers(weights), architecture, path),
  )
}

function mapKerasLayers(
  all: readonly KerasLayer[],
  architecture: Architecture,
  path: string,
): ForeignModel {
  const layers = largestModel(all)
  const top = chooseTop(layers, all, architecture)
  const described = describeNetwork(
    architecture,
    top.dense === undefined ? {} : { classes: top.dense.variables[0]!.dims[1]! },
  )
  const network = top.dense === undefined ? onlyOutputs(described, ['features']) : described
  const fitter = new Fitter(architecture, path)
  const supply = new Supply(layers)
  const shapes = inferShapes(described)
  const weights = new Map<string, FloatTensor>()
  for (const layer of kerasOrder(described)) {
    const channels = layer.input < 0 ? 3 : shapes[layer.input]!.channels
    if (layer.op === 'conv') fitter.convolution(weights, layer, channels, supply)
    else if (top.dense !== undefined) fitter.dense(weights, layer, channels, top.dense)
  }
  supply.requireEmpty(architecture, path)
  return { network, weights, knowsScaling: true, notes: top.notes }
}

/** The layers of the model that has most of them: the others stand around it. */
function largestModel(layers: readonly KerasLayer[]): KerasLayer[] {
  const models = new Map<string, KerasLayer[]>()
  for (const layer of layers) {
    const model = models.get(layer.model)
    if (model === undefined) models.set(layer.model, [layer])
    else model.push(layer)
  }
  return [...models.values()].sort((one, other) => other.length - one.length)[0] ?? []
}

/** The dense layer that is the architecture's own classifier, of any number of classes; and what to say about others. */
function chooseTop(
  layers: readonly KerasLayer[],
  all: readonly KerasLayer[],
  architecture: Architecture,
): { dense?: KerasLayer; notes: string[] } {
  const width = describeNetwork(architecture).outputs['features']!.width
  const own = layers.filter(isDense)
  const [dense] = own
  const others = all.filter(isDense).length
  if (others === 0) {
    return { notes: ['The file has no classifier: the backbone gives features alone.'] }
  }
  if (dense !== undefined && own.length === 1 && others === 1) {
    const [features, classes = 0] = dense.variables[0]!.dims
    if (features === width && classes > 0 && dense.variables.length === 2) {
      return { dense, notes: [] }
    }
  }
  const paths = all.filter(isDense).map((layer) => layer.path)
  return {
    notes: [
      `The dense layers ${paths.join(', ')} are not the classifier of ${architecture.id} and were left out: the backbone gives features alone.`,
    ],
  }
}

const rankOf = ({ variables: [first] }: KerasLayer): number => first?.dims.length ?? 0
const isDense = (layer: KerasLayer): boolean => rankOf(layer) === 2
const isConvolution = (layer: KerasLayer): boolean => rankOf(layer) === 4
/** Beta, mean and variance, and gamma before them where it is used. */
const isNorm = ({ variables }: KerasLayer): boolean =>
  (variables.length === 3 || variables.length === 4) &&
  variables.every(({ dims }) => dims.length === 1)

/** Hands out the layers of a file in order: of each class where it has its own numbers, else of all convolutions. */
class Supply {
  readonly #convolutions: KerasLayer[]
  readonly #norms: KerasLayer[]
  /** Whether each convolution has a batch norm behind it. */
  readonly isNormed: boolean

  constructor(layers: readonly KerasLayer[]) {
    this.#convolutions = layers.filter(isConvolution)
    this.#norms = layers.filter(isNorm)
    this.isNormed = this.#norms.length > 0
  }

  convolution(isDepthwise: boolean): KerasLayer | undefined {
    const kind = isDepthwise ? 'depthwise_conv2d' : 'conv2d'
    const at = this.#convolutions.findIndex((layer) => (layer.kind ?? kind) === kind)
    return at < 0 ? undefined : this.#convolutions.splice(at, 1)[0]
  }

  norm(): KerasLayer | undefined {
    return this.#norms.shift()
  }

  requireEmpty({ id }: Architecture, path: string): void {
    const [left] = [...this.#convolutions, ...this.#norms]
    const tensor = left?.variables[0]
    if (tensor === undefined) return
    throw misfit(
      `Expected the weights of ${id} in ${path}, which has no place for ${tensor.path} of shape ${words(tensor.dims)}`,
    )
  }
}

/** Layers that are whole and stand elsewhere than the architecture has them. */
const misfit = (message: string): VergerError =>
  new VergerError('model_invalid', message, {
    hint: `The file may hold another architecture: --architecture ${ARCHITECTURE_IDS.join(' | ')}; verger models import reads whole models of any.`,
  })

const words = (dims: readonly number[]): string => `[${dims.join(', ')}]`

/** Turns what the file has for a layer into what the network expects there, or says what does not fit. */
class Fitter {
  readonly #architecture: Architecture
  readonly #path: string

  constructor(architecture: Architecture, path: string) {
    this.#architecture = architecture
    this.#path = path
  }

  convolution(
    weights: Map<string, FloatTensor>,
    { name, filters, groups, kernelSize }: ConvLayer,
    channels: number,
    supply: Supply,
  ): void {
    const isDepthwise = groups > 1
    const [height, width] = toPair(kernelSize)
    const dims = isDepthwise
      ? [height, width, channels, filters / channels]
      : [height, width, channels, filters]
    const found = supply.convolution(isDepthwise)?.variables ?? []
    const kernel = (isDepthwise ? depthwiseKernel : convKernel)(
      this.#read(found[0], dims, `the kernel of ${name}`),
    )
    if (!supply.isNormed) {
      weights.set(`${name}/kernel`, kernel)
      weights.set(`${name}/bias`, this.#read(found[1], [filters], `the bias of ${name}`))
      return
    }
    const vectors = supply.norm()?.variables ?? []
    const [variance, mean, beta, gamma] = [...vectors].reverse()
    const read = (tensor: Hdf5Tensor | undefined, role: string) =>
      this.#read(tensor, [filters], `the ${role} of the batch norm behind ${name}`)
    const folded = foldBatchNorm(kernel, {
      gamma: vectors.length === 3 ? ones(filters) : read(gamma, 'gamma'),
      beta: read(beta, 'beta'),
      mean: read(mean, 'mean'),
      variance: read(variance, 'variance'),
      epsilon: this.#architecture.normEpsilon,
    })
    weights.set(`${name}/kernel`, folded.kernel)
    weights.set(`${name}/bias`, folded.bias)
  }

  dense(
    weights: Map<string, FloatTensor>,
    { name, units }: DenseLayer,
    features: number,
    { variables: [kernel, bias] }: KerasLayer,
  ): void {
    const read = this.#read(kernel, [features, units], `the kernel of ${name}`)
    weights.set(`${name}/kernel`, denseKernel(read))
    weights.set(`${name}/bias`, this.#read(bias, [units], `the bias of ${name}`))
  }

  #read(tensor: Hdf5Tensor | undefined, dims: readonly number[], what: string): FloatTensor {
    if (tensor?.dims.join() === dims.join()) {
      const read = tensor.read()
      if (areFinite(read.data)) return read
      throw invalidModel(`Expected finite numbers in ${tensor.path} of ${this.#path}`)
    }
    const received =
      tensor === undefined ? 'no further tensor' : `${tensor.path} of shape ${words(tensor.dims)}`
    throw misfit(
      `Expected ${what} of ${this.#architecture.id} with shape ${words(dims)}, received ${received} in ${this.#path}`,
    )
  }
}

/** A loop, because `every` takes a quarter of a second for InceptionV3. */
function areFinite(numbers: Float32Array): boolean {
  for (let at = 0; at < numbers.length; at++) if (!Number.isFinite(numbers[at])) return false
  return true
}

const ones = (count: number): FloatTensor => ({
  dims: [count],
  data: new Float32Array(count).fill(1),
})
