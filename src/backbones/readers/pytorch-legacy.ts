/**
 * Reads a PyTorch state dict in the format that `torch.save` wrote before version 1.6: three header pickles, the
 * dictionary, the list of storage keys, then each storage as a count (int64) and its raw little-endian values
 * (`_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py).
 */
import { VergerError } from '../../core/errors.ts'
import { elementCount, type FloatTensor } from '../../tensor/tensor.ts'
import { globalName, type PickleValue, readPickle } from './pickle.ts'

const MAGIC = BigInt('0x1950a86a20f9469cfc6c')

const ELEMENT_SIZES: Readonly<Record<string, number>> = {
  'torch.FloatStorage': 4,
  'torch.LongStorage': 8,
}

interface Storage {
  readonly type: string
  readonly count: number
  data?: Uint8Array
}

interface StoredTensor {
  readonly storage: Storage
  readonly offset: number
  readonly dims: readonly number[]
  readonly strides: readonly number[]
}

/** Gives every float tensor of the dictionary by its PyTorch name. Throws `backbone_damaged`. */
export function readPyTorchLegacy(bytes: Uint8Array): Map<string, FloatTensor> {
  const storages = new Map<string, Storage>()
  const handlers = {
    classes: {
      'collections.OrderedDict': () => new Map(),
      'torch._utils._rebuild_tensor_v2': (
        storage: Storage,
        offset: number,
        dims: number[],
        strides: number[],
      ): StoredTensor => ({ storage, offset, dims, strides }),
    },
    persistentLoad: (id: PickleValue): Storage => {
      if (!Array.isArray(id)) damaged('a storage without a description')
      const [, type, key, , count] = id
      const known = storages.get(key)
      if (known !== undefined) return known
      const storage: Storage = { type: globalName(type) ?? String(type), count: Number(count) }
      if (!(storage.type in ELEMENT_SIZES)) damaged(`a storage of type ${storage.type}`)
      storages.set(key, storage)
      return storage
    },
  }

  let at = 0
  const next = (): PickleValue => {
    const { value, end } = readPickle(bytes, at, handlers)
    at = end
    return value
  }
  if (next() !== MAGIC) damaged('another magic number')
  next() // protocol version
  next() // sizes of C types on the machine that wrote the file
  const dictionary: Map<string, StoredTensor> = next()
  const keys: string[] = next()
  if (!(dictionary instanceof Map) || !Array.isArray(keys))
    damaged('something else than a dictionary')

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const key of keys) {
    const storage = storages.get(key) ?? damaged(`the storage ${key}, which no tensor uses,`)
    const sizeBytes = storage.count * ELEMENT_SIZES[storage.type]!
    if (at + 8 + sizeBytes > bytes.length)
      damaged(`${bytes.length} bytes, too few for storage ${key}`)
    if (Number(view.getBigInt64(at, true)) !== storage.count)
      damaged(`another length for storage ${key}`)
    // `slice` of a Buffer would be a view into a shared ArrayBuffer.
    storage.data = new Uint8Array(bytes.subarray(at + 8, at + 8 + sizeBytes))
    at += 8 + sizeBytes
  }

  const tensors = new Map<string, FloatTensor>()
  for (const [name, stored] of dictionary) {
    if (!isStoredTensor(stored)) damaged(`something else than a tensor under ${name}`)
    if (stored.storage.type !== 'torch.FloatStorage') continue
    tensors.set(name, gather(name, stored))
  }
  return tensors
}

function isStoredTensor(value: PickleValue): value is StoredTensor {
  const { storage, offset, dims, strides } = value ?? {}
  const isShape = (sizes: unknown) => Array.isArray(sizes) && sizes.every(Number.isSafeInteger)
  return (
    storage?.type in ELEMENT_SIZES &&
    Number.isSafeInteger(offset) &&
    isShape(dims) &&
    isShape(strides)
  )
}

/** Copies a strided view into row-major order. */
function gather(name: string, { storage, offset, dims, strides }: StoredTensor): FloatTensor {
  const source = new Float32Array(storage.data?.buffer ?? damaged(`no values for ${name}`))
  // A view that repeats values could ask for any amount of memory, and no state dict holds one.
  if (elementCount(dims) > storage.count) damaged(`too few values for ${name}`)
  const data = new Float32Array(elementCount(dims))
  const index = dims.map(() => 0)
  for (let i = 0; i < data.length; i++) {
    const from = index.reduce((sum, position, axis) => sum + position * strides[axis]!, offset)
    data[i] = source[from] ?? damaged(`too few values for ${name}`)
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--)
      index[axis] = 0
  }
  return { dims, data }
}

function damaged(received: string): never {
  throw new VergerError(
    'backbone_damaged',
    `Expected a legacy PyTorch state dict, received ${received}`,
    {
      hint: 'Download the file again and compare its checksum.',
    },
  )
}
