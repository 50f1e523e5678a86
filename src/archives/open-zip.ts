import { close, fstatSync, openSync, read } from 'node:fs'
import { Readable } from 'node:stream'
import yauzl, { type ZipFile } from 'yauzl'

/**
 * Opens a zip whose entries are asked for one by one, with their names as bytes; whoever opens it closes it. Errors of the
 * file reject: a place beyond its end is one of them, which yauzl alone throws where nobody can catch it.
 */
export async function openZip(file: string): Promise<ZipFile> {
  const reader = new CheckedReader(file)
  try {
    return await yauzl.fromRandomAccessReaderPromise(reader, reader.sizeBytes, {
      decodeStrings: false,
      autoClose: false,
    })
  } catch (error) {
    reader.close(() => {})
    throw error
  }
}

class CheckedReader extends yauzl.RandomAccessReader {
  readonly sizeBytes: number
  readonly #file: number

  constructor(path: string) {
    super()
    this.#file = openSync(path, 'r')
    this.sizeBytes = fstatSync(this.#file).size
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const file = this.#file
    let at = start
    // A stream of `node:fs` would close the file once it is destroyed, which others still read.
    return new Readable({
      read(wanted) {
        const chunk = Buffer.allocUnsafe(Math.min(wanted, end - at))
        if (chunk.length === 0) {
          this.push(null)
          return
        }
        read(file, chunk, 0, chunk.length, at, (error, count) => {
          if (error !== null) {
            this.destroy(error)
            return
          }
          at += count
          this.push(count === 0 ? null : chunk.subarray(0, count))
        })
      },
    })
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, count?: number) => void,
  ): void {
    if (Number.isSafeInteger(position) && position >= 0 && position + length <= this.sizeBytes) {
      read(this.#file, buffer, offset, length, position, callback)
    } else {
      const message = `expected ${length} bytes from byte ${position} on in a file of ${this.sizeBytes}`
      process.nextTick(callback, new RangeError(message))
    }
  }

  override close(callback: (error: Error | null) => void): void {
    close(this.#file, callback)
  }
}
