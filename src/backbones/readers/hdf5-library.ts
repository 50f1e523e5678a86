/** HDF5's own library as WebAssembly (h5wasm), with a file system of its own and its complaints as errors. */
import type { Module } from 'h5wasm'
import { VergerError } from '../../core/errors.ts'
import type { ByteSource } from './byte-source.ts'
import { invalidModel } from './foreign/model-errors.ts'

export interface Hdf5Library {
  readonly h5: typeof import('h5wasm')
  readonly module: typeof Module
  /** Puts the bytes into the library's file system, where they are read from `source` when they are asked for. */
  mount(source: ByteSource): { readonly path: string; unmount(): void }
  /** Gives what `action` gives. Throws `model_invalid` where it throws or HDF5 complains: `what` could not be read. */
  attempt<T>(what: string, action: () => T): T
}

let loaded: Promise<Hdf5Library> | undefined

/** The library, which takes a tenth of a second to start; started once. */
export function loadHdf5(): Promise<Hdf5Library> {
  loaded ??= startLibrary()
  return loaded
}

/** The part of Emscripten's file system (https://emscripten.org/docs/api_reference/Filesystem-API.html) that is used here. */
interface FileSystem {
  createFile(parent: string, name: string, properties: object, canRead: true, canWrite: false): Node
  unlink(path: string): void
  readonly streams: readonly { stream_ops: StreamOperations }[]
}
interface Node {
  usedBytes: number
  stream_ops: StreamOperations
}
type Transfer = (
  stream: unknown,
  heap: Int8Array,
  at: number,
  count: number,
  position: number,
) => number
interface StreamOperations {
  read?: Transfer
  write?: Transfer
}

async function startLibrary(): Promise<Hdf5Library> {
  const h5 = await import('h5wasm')
  const module = await h5.ready
  const files = module.FS as unknown as FileSystem
  const complaints = collectComplaints(files)
  let mounts = 0

  const mount: Hdf5Library['mount'] = (source) => {
    const name = `file${mounts++}`
    const node = files.createFile('/', name, {}, true, false)
    node.usedBytes = source.sizeBytes
    node.stream_ops = {
      ...node.stream_ops,
      read(_stream, heap, at, count, position) {
        const room = Math.max(0, Math.min(count, source.sizeBytes - position))
        if (room > 0) heap.set(source.read(position, room), at)
        return room
      },
    }
    return { path: `/${name}`, unmount: () => files.unlink(`/${name}`) }
  }

  const attempt = <T>(what: string, action: () => T): T => {
    complaints.take()
    let result: T
    try {
      result = action()
    } catch (cause) {
      if (cause instanceof VergerError) throw cause
      const reason = complaints.take() ?? (cause instanceof Error ? cause.message : String(cause))
      throw invalidModel(`Expected ${what} to be readable, HDF5 says: ${reason}`, cause)
    }
    const complaint = complaints.take()
    if (complaint === undefined) return result
    throw invalidModel(`Expected ${what} to be readable, HDF5 says: ${complaint}`)
  }

  return { h5, module, mount, attempt }
}

/** The number of standard error among the open files. */
const STANDARD_ERROR = 2

/**
 * Keeps what HDF5 writes to standard error. Its innermost line tells the reason:
 * `  #006: …/H5Fsuper.c line 388 in H5F__super_read(): file signature not found`.
 */
function collectComplaints(files: FileSystem): { take(): string | undefined } {
  const decoder = new TextDecoder()
  let text = ''
  const stream = files.streams[STANDARD_ERROR]
  if (stream === undefined) throw new Error('Expected h5wasm to have a standard error')
  stream.stream_ops = {
    ...stream.stream_ops,
    write(_stream, heap, at, count) {
      text += decoder.decode(heap.slice(at, at + count))
      return count
    },
  }
  return {
    take() {
      const [first = ''] = text.split(/^HDF5-DIAG/m).filter((stack) => stack.includes('#000'))
      const reasons = [...first.matchAll(/^ +#\d+: .*\(\): (.*)$/gm)].map(([, reason]) => reason)
      const complaint = reasons.at(-1) ?? (text === '' ? undefined : text.trim())
      text = ''
      return complaint
    },
  }
}
