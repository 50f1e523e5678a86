/**
 * What the pickle of a PyTorch file says about tensors: which storage holds each, from where on, with which shape and
 * strides. Names of classes: `torch/_utils.py` and `torch/storage.py` in https://github.com/pytorch/pytorch.
 */
import { VergerError } from '../../core/errors.ts'
import { decodeFloats, type FloatType } from '../../tensor/float-types.ts'
import { elementCount, type FloatTensor } from '../../tensor/tensor.ts'
import { globalName, type PickleHandlers, type PickleValue } from './pickle.ts'

/** The bytes of one or more tensors. */
export interface Storage {
  readonly key: string
  readonly elementBytes: number
  /** Undefined where its numbers are whole ones, as those of counters are. */
  readonly type: FloatType | undefined
  readonly count: number
}

interface StridedTensor {
  readonly storage: Storage
  /** In elements, as strides are. */
  readonly offset: number
  readonly dims: readonly number[]
  readonly strides: readonly number[]
}

/** Element types by the name of the storage class before `Storage`. */
const STORAGES: Readonly<Record<string, readonly [bytes: number, type?: FloatType]>> = {
  Double: [8, 'float64'],
  Float: [4, 'float32'],
  Half: [2, 'float16'],
  BFloat16: [2, 'bfloat16'],
  Long: [8],
  Int: [4],
  Short: [2],
  Char: [1],
  Byte: [1],
  Bool: [1],
}

/** What checkpoints hold beside tensors, as numbers of a training that nobody asks for here. */
const INERT = [
  '_codecs.encode',
  'argparse.Namespace',
  'numpy._core.multiarray.scalar',
  'numpy.core.multiarray.scalar',
  'numpy.dtype',
  'torch.device',
]

/** Python 2 gave the items of an ordered dictionary to its constructor. */
const createMap = (pairs?: PickleValue): Map<PickleValue, PickleValue> => {
  const items: PickleValue[] = Array.isArray(pairs) ? pairs : []
  return new Map(items.filter((pair) => Array.isArray(pair)).map(([key, value]) => [key, value]))
}

/** Reads storages by their key; the same key gives the same storage. */
export function createTensorHandlers(): PickleHandlers & {
  readonly storages: ReadonlyMap<string, Storage>
} {
  const storages = new Map<string, Storage>()
  const rebuild = (
    storage: Storage,
    offset: PickleValue,
    dims: PickleValue,
    strides: PickleValue,
  ): Partial<StridedTensor> => ({ storage, offset, dims, strides })
  return {
    storages,
    classes: {
      'collections.OrderedDict': createMap,
      'collections.defaultdict': () => new Map(),
      'collections.Counter': () => new Map(),
      'builtins.set': () => [],
      '__builtin__.set': () => [],
      'torch.Size': (sizes) => sizes,
      'torch._utils._rebuild_tensor': rebuild,
      'torch._utils._rebuild_tensor_v2': rebuild,
      'torch._utils._rebuild_parameter': (tensor) => tensor,
      'torch._utils._rebuild_parameter_with_state': (tensor) => tensor,
      ...Object.fromEntries(INERT.map((name) => [name, () => null])),
    },
    persistentLoad(id): Storage {
      const [kind, type, key, , count, view] = Array.isArray(id) ? id : []
      if (kind === 'module') {
        throw new VergerError(
          'model_unsupported',
          `Expected a state dict of PyTorch, received a whole model of the class ${globalName(type)}`,
          { hint: 'In Python, save its weights alone: torch.save(model.state_dict(), FILE).' },
        )
      }
      if (kind !== 'storage') damaged('a storage without a description')
      if (typeof key !== 'string' || !Number.isSafeInteger(count) || count < 0) {
        damaged('a storage without key or length')
      }
      if (view !== undefined && view !== null) damaged(`a part of a storage, ${key}`)
      const known = storages.get(key)
      if (known !== undefined) return known
      const name = globalName(type) ?? damaged(`no type of storage ${key}`)
      const [, element = ''] = /^torch(?:\.cuda)?\.(\w+)Storage$/.exec(name) ?? []
      if (!Object.hasOwn(STORAGES, element)) unsupported(`a storage of type ${name}`)
      const [elementBytes, floatType] = STORAGES[element]!
      const storage = { key, elementBytes, type: floatType, count }
      storages.set(key, storage)
      return storage
    },
  }
}

/** Keys under which checkpoints keep a state dict beside other things, the first of them that is there. */
const STATE_KEYS = ['state_dict', 'model_state_dict', 'model', 'net', 'weights']

/** Prefixes of all names where a model was wrapped: by DataParallel, by torch.compile, in a Lightning module. */
const WRAPPERS = ['module.', '_orig_mod.', 'model.']

/**
 * The tensors of a state dict or of the checkpoint around one, by their name without the prefix of a wrapper.
 * `readStorage` gives a storage's little-endian bytes. `sizeBytes` is that of the file.
 */
export function gatherTensors(
  value: PickleValue,
  readStorage: (storage: Storage) => Uint8Array,
  sizeBytes: number,
): Map<string, FloatTensor> {
  const strided = [...findStateDict(value)].filter(
    (entry): entry is [string, StridedTensor] => entry[1].storage.type !== undefined,
  )
  // Tensors may share a storage, and tied weights do; many that share a large one would ask for any amount of memory.
  const elements = strided.reduce((sum, [, { dims }]) => sum + elementCount(dims), 0)
  if (elements > sizeBytes) damaged(`${elements} numbers in ${sizeBytes} bytes`)

  const tensors = new Map<string, FloatTensor>()
  const decoded = new Map<Storage, Float32Array>()
  for (const [name, tensor] of strided) {
    const { storage } = tensor
    let numbers = decoded.get(storage)
    if (numbers === undefined) {
      numbers = decodeFloats(storage.type!, readStorage(storage))
      decoded.set(storage, numbers)
    }
    tensors.set(name, gather(name, tensor, numbers))
  }
  return tensors
}

function findStateDict(value: PickleValue): Map<string, StridedTensor> {
  if (!(value instanceof Map)) damaged('something else than a dictionary')
  const tensors = tensorsIn(value)
  if (tensors.size > 0) return tensors
  for (const key of STATE_KEYS) {
    const inner = value.get(key)
    const found = inner instanceof Map ? tensorsIn(inner) : undefined
    if (found !== undefined && found.size > 0) return found
  }
  const keys = [...value.keys()].filter((key) => typeof key === 'string').slice(0, 8)
  return damaged(`a dictionary without tensors, whose keys are ${keys.join(', ') || 'none'}`)
}

function tensorsIn(dictionary: Map<PickleValue, PickleValue>): Map<string, StridedTensor> {
  const tensors = new Map<string, StridedTensor>()
  for (const [name, value] of dictionary) {
    if (typeof name === 'string' && looksStrided(value))
      tensors.set(name, requireStrided(name, value))
  }
  let names = [...tensors]
  for (;;) {
    const wrapper = WRAPPERS.find((prefix) => names.every(([name]) => name.startsWith(prefix)))
    if (wrapper === undefined || names.length === 0) return new Map(names)
    names = names.map(([name, tensor]) => [name.slice(wrapper.length), tensor])
  }
}

const looksStrided = (value: PickleValue): boolean =>
  typeof value === 'object' && value !== null && 'storage' in value && 'strides' in value

function requireStrided(name: string, value: PickleValue): StridedTensor {
  const { storage, offset, dims, strides } = value
  const isCount = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) >= 0
  const areCounts = (sizes: unknown) => Array.isArray(sizes) && sizes.every(isCount)
  const fits =
    typeof storage === 'object' &&
    typeof storage?.elementBytes === 'number' &&
    isCount(offset) &&
    areCounts(dims) &&
    areCounts(strides) &&
    dims.length === strides.length
  if (!fits) damaged(`something else than a tensor under ${name}`)
  // A view that repeats values is no weight.
  if (elementCount(dims) > storage.count) damaged(`too few values for ${name}`)
  return value
}

/** Gives a strided view in row-major order: a view of `numbers` where it is in that order already. */
function gather(
  name: string,
  { offset, dims, strides }: StridedTensor,
  numbers: Float32Array,
): FloatTensor {
  const count = elementCount(dims)
  if (count === 0) return { dims, data: new Float32Array() }
  const last = dims.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset)
  if (last >= numbers.length) damaged(`too few values for ${name}`)
  if (isRowMajor(dims, strides)) return { dims, data: numbers.subarray(offset, offset + count) }
  const data = new Float32Array(count)
  const index = dims.map(() => 0)
  for (let i = 0; i < count; i++) {
    data[i] =
      numbers[index.reduce((sum, position, axis) => sum + position * strides[axis]!, offset)]!
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) {
      index[axis] = 0
    }
  }
  return { dims, data }
}

function isRowMajor(dims: readonly number[], strides: readonly number[]): boolean {
  let step = 1
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    if (dims[axis] !== 1 && strides[axis] !== step) return false
    step *= dims[axis]!
  }
  return true
}

export function damaged(received: string): never {
  throw new VergerError('model_invalid', `Expected a state dict of PyTorch, received ${received}`, {
    hint: 'Save it again with torch.save(model.state_dict(), FILE), or compare its checksum with that of its source.',
  })
}

export function unsupported(received: string): never {
  throw new VergerError(
    'model_unsupported',
    `Expected a state dict of PyTorch in floating point, received ${received}`,
    { hint: 'In Python, save its weights alone: torch.save(model.float().state_dict(), FILE).' },
  )
}
