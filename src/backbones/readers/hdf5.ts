/**
 * Reads HDF5 by the HDF Group's own library, compiled to WebAssembly (h5wasm). The library sees a file system of its own
 * that holds the one file: links to other files lead nowhere. Bytes are read where they lie, tensors when they are asked for.
 */
import type { Dataset as H5Dataset, File as H5File } from 'h5wasm'
import { elementCount, type FloatTensor } from '../../tensor/tensor.ts'
import type { ByteSource } from './byte-source.ts'
import { invalidModel, unsupportedModel } from './foreign/model-errors.ts'
import { type Hdf5Library, loadHdf5 } from './hdf5-library.ts'

/** A dataset of numbers, which is read when `read` is called. */
export interface Hdf5Tensor {
  readonly path: string
  readonly dims: readonly number[]
  /** Its values in the order of C. Throws `model_invalid`, or `model_unsupported` where they are not float32 or float64. */
  read(): FloatTensor
}

/** Paths start with `/`; the group at the top is `/`. Every function throws `model_invalid` where the file is damaged. */
export interface Hdf5File {
  /** Names in a group, in the order in which HDF5 sorts them; none where there is no such group. */
  members(path: string): string[]
  /** The dataset at this path; undefined where there is none. */
  tensor(path: string): Hdf5Tensor | undefined
  /** The text of an attribute; undefined where there is none. */
  text(path: string, attribute: string): string | undefined
  /**
   * The texts of an attribute; undefined where there is none. Keras cuts lists of more than 64 KB into attributes
   * `<name>0`, `<name>1` …, which are joined here.
   */
  texts(path: string, attribute: string): string[] | undefined
  close(): void
}

/** How far a chunk may grow when it is inflated: zlib's own limit. */
const MAX_INFLATION = 1032

/** Opens the file that the bytes are. Throws `model_invalid` with what HDF5 says of it. */
export async function openHdf5(source: ByteSource): Promise<Hdf5File> {
  const library = await loadHdf5()
  const { path, unmount } = library.mount(source)
  try {
    const file = library.attempt('a file', () => {
      const opened = new library.h5.File(path, 'r')
      if (opened.file_id < 0) throw new Error('it is not an HDF5 file')
      return opened
    })
    return new MountedFile(library, file, source.sizeBytes, unmount)
  } catch (cause) {
    unmount()
    throw cause
  }
}

class MountedFile implements Hdf5File {
  readonly #library: Hdf5Library
  readonly #file: H5File
  readonly #sizeBytes: number
  readonly #unmount: () => void
  readonly #types = new Map<string, number | undefined>()

  constructor(library: Hdf5Library, file: H5File, sizeBytes: number, unmount: () => void) {
    this.#library = library
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#unmount = unmount
  }

  members(path: string): string[] {
    const { module } = this.#library
    return this.#attempt(`the group ${path}`, () =>
      this.#typeOf(path) === module.H5G_GROUP
        ? module.get_names(this.#file.file_id, path, false)
        : [],
    )
  }

  tensor(path: string): Hdf5Tensor | undefined {
    const { module, h5 } = this.#library
    if (this.#typeOf(path) !== module.H5G_DATASET) return undefined
    const dataset = new h5.Dataset(this.#file.file_id, path)
    const { shape } = this.#attempt(`the tensor ${path}`, () => dataset.metadata)
    const dims = shape ?? [0]
    return { path, dims, read: () => ({ dims, data: this.#readFloats(dataset, dims) }) }
  }

  text(path: string, attribute: string): string | undefined {
    const value = this.#attribute(path, attribute)
    if (value === undefined || typeof value === 'string') return value
    throw invalidModel(
      `Expected a text as attribute ${attribute} of ${path}, received ${typeof value}`,
    )
  }

  texts(path: string, attribute: string): string[] | undefined {
    const whole = this.#textList(path, attribute)
    if (whole !== undefined) return whole
    const parts: string[][] = []
    for (let part = this.#textList(path, `${attribute}0`); part !== undefined; ) {
      part = this.#textList(path, `${attribute}${parts.push(part)}`)
    }
    return parts.length === 0 ? undefined : parts.flat()
  }

  close(): void {
    this.#file.close()
    this.#unmount()
  }

  #readFloats(dataset: H5Dataset, dims: readonly number[]): Float32Array {
    const { path } = dataset
    const { metadata, filters } = this.#attempt(`the tensor ${path}`, () => ({
      metadata: dataset.metadata,
      filters: dataset.filters,
    }))
    const isFloat = metadata.type === this.#library.module.H5T_class_t.H5T_FLOAT.value
    if (!isFloat || !metadata.littleEndian || (metadata.size !== 4 && metadata.size !== 8)) {
      throw unsupportedModel(
        `Expected float32 or float64 in ${path}, received HDF5 class ${metadata.type} of ${metadata.size} bytes`,
      )
    }
    const count = elementCount(dims)
    const limit = this.#sizeBytes * (filters.length === 0 ? 1 : MAX_INFLATION)
    if (count * metadata.size > limit) {
      throw invalidModel(
        `Expected the tensor ${path} of shape [${dims.join(', ')}] to fit into a file of ${this.#sizeBytes} bytes`,
      )
    }
    if (count === 0) return new Float32Array(0)
    const value = this.#attempt(`the tensor ${path}`, () => dataset.value)
    if (typeof value === 'number') return Float32Array.of(value)
    if (value instanceof Float32Array && value.length === count) return value
    if (value instanceof Float64Array && value.length === count) return Float32Array.from(value)
    throw invalidModel(`Expected ${count} numbers in ${path}, received other values`)
  }

  #textList(path: string, attribute: string): string[] | undefined {
    const value = this.#attribute(path, attribute)
    if (value === undefined) return undefined
    // An empty list is written as numbers, for want of a text to take the type from.
    if (ArrayBuffer.isView(value) && value.byteLength === 0) return []
    if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value
    throw invalidModel(`Expected a list of texts as attribute ${attribute} of ${path}`)
  }

  #attribute(path: string, attribute: string): unknown {
    const { module } = this.#library
    const { file_id } = this.#file
    return this.#attempt(`the attribute ${attribute} of ${path}`, () => {
      if (this.#typeOf(path) !== module.H5G_GROUP) return undefined
      if (!module.get_attribute_names(file_id, path).includes(attribute)) return undefined
      const { size, total_size } = module.get_attribute_metadata(file_id, path, attribute)
      if (size * total_size > this.#sizeBytes) {
        throw invalidModel(
          `Expected the attribute ${attribute} of ${path} to fit into a file of ${this.#sizeBytes} bytes`,
        )
      }
      return new this.#library.h5.Group(file_id, path).get_attribute(attribute, false)
    })
  }

  /** HDF5's number for what lies at a path, e.g. `H5G_GROUP`; undefined behind what is no group. */
  #typeOf(path: string): number | undefined {
    if (path === '/') return this.#library.module.H5G_GROUP
    if (this.#types.has(path)) return this.#types.get(path)
    // Step by step: HDF5 itself takes a way through a dataset for damage.
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    const { module } = this.#library
    const type =
      this.#typeOf(parent) === module.H5G_GROUP
        ? this.#attempt(path, () => module.get_type(this.#file.file_id, path))
        : undefined
    this.#types.set(path, type)
    return type
  }

  #attempt<T>(what: string, action: () => T): T {
    return this.#library.attempt(what, action)
  }
}
