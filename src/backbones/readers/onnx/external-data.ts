/** Bytes of tensors that lie in files beside an ONNX file, found by `location`, `offset` and `length`. */
import { realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { type ByteSource, withFileSync } from '../byte-source.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { ReadExternal } from './constant.ts'

/** Reads by position. Throws `model_invalid` naming a file that is missing or too short, or a place outside the folder. */
export function createExternalReader(model: string): ReadExternal {
  const folder = dirname(model)
  return (entries, tensor) => {
    const location = entries.get('location') ?? ''
    const path = join(folder, location)
    const isBeside =
      location !== '' && !location.split(/[/\\]/).includes('..') && !/^([/\\]|\w:)/.test(location)
    if (!isBeside) {
      throw invalidModel(
        `The constant ${tensor} lies in '${location}', outside of the folder of ${model}`,
      )
    }
    return withFileSync(requireInside(folder, path, tensor, location), (source) =>
      readPlace(source, entries, tensor, location),
    )
  }
}

function requireInside(folder: string, path: string, tensor: string, location: string): string {
  let real: string
  try {
    real = realpathSync(path)
  } catch (cause) {
    throw invalidModel(
      `Expected the constant ${tensor} in ${location} beside the ONNX file, found no such file`,
      cause,
    )
  }
  if (real.startsWith(realpathSync(folder) + sep)) return real
  throw unsupportedModel(
    `${location}, the place of the constant ${tensor}, is a link out of its folder`,
  )
}

function readPlace(
  source: ByteSource,
  entries: ReadonlyMap<string, string>,
  tensor: string,
  location: string,
): Uint8Array {
  const offset = Number(entries.get('offset') ?? 0)
  const length = Number(entries.get('length') ?? source.sizeBytes - offset)
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0
  if (!isCount(offset) || !isCount(length) || offset + length > source.sizeBytes) {
    throw invalidModel(
      `Expected ${length} bytes of the constant ${tensor} from byte ${offset} of ${location} on, the file has ${source.sizeBytes}`,
    )
  }
  return source.read(offset, length)
}
