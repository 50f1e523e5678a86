/**
 * Reads a PyTorch state dict in the format that `torch.save` wrote before version 1.6: three header pickles, the
 * dictionary, the list of storage keys, then each storage as a count (int64) and its raw little-endian values
 * (`_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py).
 */
import type { FloatTensor } from '../../tensor/tensor.ts'
import type { ByteSource } from './byte-source.ts'
import { type PickleValue, readPickle } from './pickle.ts'
import { createTensorHandlers, damaged, gatherTensors, unsupported } from './pytorch-pickle.ts'

const MAGIC = BigInt('0x1950a86a20f9469cfc6c')
const COUNT_BYTES = 8

/** Gives every float tensor of the dictionary by its PyTorch name. Throws `model_invalid` or `model_unsupported`. */
export function readPyTorchLegacy(source: ByteSource): Map<string, FloatTensor> {
  const handlers = createTensorHandlers()
  let at = 0
  const next = (): PickleValue => {
    const { value, end } = readPickle(source, at, handlers)
    at = end
    return value
  }
  if (next() !== MAGIC) damaged('another magic number')
  next() // protocol version
  const machine = next() // sizes of C types and byte order of the machine that wrote the file
  if (machine instanceof Map && machine.get('little_endian') === false) {
    unsupported('the numbers of a big-endian machine')
  }
  const dictionary = next()
  const keys = next()
  if (!Array.isArray(keys)) damaged('no list of storages')

  const places = new Map<string, number>()
  for (const key of keys) {
    if (typeof key !== 'string') damaged('a storage whose key is no text')
    const { elementBytes, count } =
      handlers.storages.get(key) ?? damaged(`the storage ${key}, which no tensor uses,`)
    const place = at + COUNT_BYTES
    if (place + count * elementBytes > source.sizeBytes) {
      damaged(`${source.sizeBytes} bytes, too few for storage ${key}`)
    }
    const stored = Buffer.from(source.read(at, COUNT_BYTES)).readBigInt64LE()
    if (stored !== BigInt(count)) damaged(`another length for storage ${key}`)
    places.set(key, place)
    at = place + count * elementBytes
  }
  return gatherTensors(
    dictionary,
    ({ key, elementBytes, count }) =>
      source.read(places.get(key) ?? damaged(`no values for storage ${key}`), count * elementBytes),
    source.sizeBytes,
  )
}
