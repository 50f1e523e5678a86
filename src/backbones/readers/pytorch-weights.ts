/** The weights of an architecture that we know, from a state dict of one of PyTorch's libraries. */
import { basename } from 'node:path'
import { VergerError } from '../../core/errors.ts'
import { foldBatchNorm } from '../../tensor/fold-batch-norm.ts'
import { type ConvLayer, type DenseLayer, type Network, toPair } from '../../tensor/network.ts'
import { inferShapes } from '../../tensor/network-shapes.ts'
import type { FloatTensor } from '../../tensor/tensor.ts'
import type { Architecture, PyTorchNaming } from '../architecture.ts'
import { describeNetwork } from '../architectures.ts'
import type { ForeignModel } from '../foreign-model.ts'
import { onlyOutputs } from '../inner-features.ts'
import { type ByteSource, withFile } from './byte-source.ts'
import { invalidModel, unsupportedModel } from './foreign/model-errors.ts'
import { readPyTorch } from './pytorch.ts'
import { readSafetensors } from './safetensors.ts'

type Tensors = ReadonlyMap<string, FloatTensor>

/**
 * Reads the weights of `architecture` from a `.pth`, `.pt` or `.safetensors` file. The names of its tensors tell the
 * library, and with it the padding and the scaling of photos that the weights were trained with; where two libraries
 * have the same names, the name of the file decides. A file without classifier gives `features` alone.
 * Throws `model_invalid` naming the first tensor that does not fit, or `model_unsupported`.
 */
export async function readPyTorchWeights(
  path: string,
  architecture: Architecture,
): Promise<ForeignModel> {
  const isSafetensors = await withFile(path, startsWithHeader)
  const tensors = isSafetensors ? await readSafetensors(path) : await readPyTorch(path)
  return mapPyTorchWeights(tensors, architecture, basename(path))
}

/** A safetensors file begins with the length of a JSON object, and with that. */
const startsWithHeader = ({ sizeBytes, read }: ByteSource): boolean =>
  sizeBytes > 8 && Buffer.from(read(8, 1)).toString('latin1') === '{'

/** The same for tensors that were read already; `file` is the name of the file that they come from. */
export function mapPyTorchWeights(
  tensors: Tensors,
  architecture: Architecture,
  file: string,
): ForeignModel {
  const { naming, note } = chooseNaming(tensors, architecture, file)
  const kernel = tensors.get(`${naming.modules('classifier').layer}.weight`)
  const hasClassifier = kernel?.dims.length === 2
  const classes = hasClassifier ? kernel.dims[0] : undefined
  const described = naming.adapt(
    describeNetwork(architecture, classes === undefined ? {} : { classes }),
  )
  const network = hasClassifier ? described : onlyOutputs(described, ['features'])
  const fitter = new Fitter(tensors, naming, `${architecture.id} as ${naming.library} names it`)
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(hasClassifier ? [] : ['The file has no classifier: the backbone gives features alone.']),
  ]
  return { network, weights: fitter.fit(network), knowsScaling: true, notes }
}

/** The naming whose first layer is there. */
function chooseNaming(
  tensors: Tensors,
  { id, pytorch = [], ...architecture }: Architecture,
  file: string,
): { readonly naming: PyTorchNaming; readonly note?: string } {
  const [first] = architecture
    .describe(architecture.size, 1)
    .layers.flatMap((layer) => ('name' in layer ? [layer.name] : []))
  const kernelOf = ({ modules }: PyTorchNaming): string => `${modules(first ?? '').layer}.weight`
  const fitting = pytorch.filter((naming) => tensors.has(kernelOf(naming)))
  const [naming, another] = fitting
  if (naming === undefined) {
    const expected = [...new Set(pytorch.map((each) => `${kernelOf(each)} (${each.library})`))]
    const received = [...tensors].slice(0, 3).map(([name, { dims }]) => `${name} ${words(dims)}`)
    throw new VergerError(
      'model_invalid',
      `Expected weights of ${id}, whose first tensor is ${expected.join(' or ')}; received ${received.join(', ') || 'no tensors'}`,
      {
        hint: 'Name the architecture that the file is of by --architecture; docs/reference/formats.md lists the libraries whose names are known.',
      },
    )
  }
  if (another === undefined) return { naming }
  const called = fitting.find(({ model }) => file.startsWith(model))
  const models = fitting.map(({ model }) => model)
  if (called === undefined) {
    throw unsupportedModel(
      `The tensors of ${file} are named alike in ${models.join(' and ')}, which differ in padding and scaling: expected a file whose name begins with one of them`,
    )
  }
  return { naming: called, note: `Read as ${called.model}, by the name of the file.` }
}

const words = (dims: readonly number[]): string => `[${dims.join(', ')}]`

/** Turns what the file has for each layer into what the network expects there, or says what does not fit. */
class Fitter {
  readonly #tensors: Tensors
  readonly #naming: PyTorchNaming
  /** What was expected, for messages. */
  readonly #what: string
  readonly #weights = new Map<string, FloatTensor>()

  constructor(tensors: Tensors, naming: PyTorchNaming, what: string) {
    this.#tensors = tensors
    this.#naming = naming
    this.#what = what
  }

  fit(network: Network): ReadonlyMap<string, FloatTensor> {
    const shapes = inferShapes(network)
    for (const layer of network.layers) {
      if (layer.op !== 'conv' && layer.op !== 'dense') continue
      const channels = shapes[layer.input]?.channels ?? 3
      if (layer.op === 'conv') this.#convolution(layer, channels)
      else this.#dense(layer, channels)
    }
    return this.#weights
  }

  #convolution({ name, filters, groups, kernelSize }: ConvLayer, channels: number): void {
    const { layer, norm } = this.#naming.modules(name)
    const dims = [filters, channels / groups, ...toPair(kernelSize)]
    const kernel = this.#tensor(`${layer}.weight`, dims)
    const vector = (tensor: string) => this.#tensor(`${norm}.${tensor}`, [filters])
    const folded = foldBatchNorm(kernel, {
      gamma: vector('weight'),
      beta: vector('bias'),
      mean: vector('running_mean'),
      variance: vector('running_var'),
      epsilon: this.#naming.normEpsilon,
    })
    this.#weights.set(`${name}/kernel`, folded.kernel)
    this.#weights.set(`${name}/bias`, folded.bias)
  }

  #dense({ name, units }: DenseLayer, features: number): void {
    const { layer } = this.#naming.modules(name)
    this.#weights.set(`${name}/kernel`, this.#tensor(`${layer}.weight`, [units, features]))
    this.#weights.set(`${name}/bias`, this.#tensor(`${layer}.bias`, [units]))
  }

  #tensor(name: string, dims: readonly number[]): FloatTensor {
    const tensor = this.#tensors.get(name)
    if (tensor === undefined || tensor.dims.join() !== dims.join()) {
      const received = tensor === undefined ? 'a file without it' : `one of ${words(tensor.dims)}`
      throw invalidModel(
        `Expected the tensor ${name} of ${this.#what}, of shape ${words(dims)}; received ${received}`,
      )
    }
    for (const value of tensor.data) {
      if (!Number.isFinite(value)) throw invalidModel(`Expected finite numbers in ${name}`)
    }
    return tensor
  }
}
