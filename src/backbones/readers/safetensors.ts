import { VergerError } from '../../core/errors.ts'
import { decodeFloats } from '../../tensor/float-types.ts'
import { findTensors, type TensorPlace } from '../../tensor/safetensors.ts'
import type { FloatTensor } from '../../tensor/tensor.ts'
import { type ByteSource, withFile } from './byte-source.ts'

/** Reads the float tensors of a `.safetensors` file, one after the other. Throws `model_invalid`. */
export function readSafetensors(path: string): Promise<Map<string, FloatTensor>> {
  return withFile(path, (source) => {
    const tensors = new Map<string, FloatTensor>()
    for (const { name, dims, type, offset, sizeBytes } of findPlaces(source)) {
      if (type === undefined) continue
      tensors.set(name, { dims, data: decodeFloats(type, source.read(offset, sizeBytes)) })
    }
    return tensors
  })
}

function findPlaces({ sizeBytes, read }: ByteSource): TensorPlace[] {
  try {
    return findTensors(sizeBytes, read)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new VergerError(
      'model_invalid',
      `Expected a safetensors file, received one that is damaged: ${error.message}`,
      { cause: error, hint: 'The file was cut short or changed: copy or download it again.' },
    )
  }
}
