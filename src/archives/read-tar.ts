/**
 * Entries of a tar, plain or gzipped, as they come; a tar has no directory that could be read first. The package `tar`
 * decodes headers; its own parser pushes, and an error in the middle of a file would leave whoever reads that waiting.
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Header, Pax } from 'tar'
import type { ArchiveEntry } from './archive-entry.ts'

const BLOCK = 512
/** Headers before a file that hold names and attributes: nobody's are longer. */
const MAX_META_BYTES = 1024 * 1024
/** Tape blocks of 10 KiB are usual, some of 1 MiB are known. */
const MAX_PADDING_BYTES = 16 * 1024 * 1024

/** What the headers before an entry say of it (POSIX.1-2001 pax, and GNU's long names). */
interface Extensions {
  readonly path?: string
  readonly linkpath?: string
  readonly size?: number
}

/** Throws an ordinary Error where the archive is damaged. */
export async function* readTar(file: string, isGzip: boolean): AsyncGenerator<ArchiveEntry> {
  const source = createReadStream(file)
  const blocks = isGzip ? source.pipe(createGunzip()) : source
  // pipe() does not carry errors on.
  source.on('error', (error) => blocks.destroy(error))
  const reader = new BlockReader(blocks)
  let global: Extensions = {}
  let next: Extensions = {}
  try {
    while (true) {
      const header = new Header(await reader.take(BLOCK))
      // Two of them end an archive, and what stands behind is padding.
      if (header.nullBlock) return await reader.finish(MAX_PADDING_BYTES)
      if (!header.cksumValid) throw new Error('a tar header whose checksum is wrong')
      const { type, size = 0 } = header
      if (type === 'GlobalExtendedHeader') {
        global = Pax.parse(await readMeta(reader, size), global, true)
      } else if (type === 'ExtendedHeader' || type === 'OldExtendedHeader') {
        next = Pax.parse(await readMeta(reader, size), next)
      } else if (type === 'NextFileHasLongPath' || type === 'OldGnuLongPath') {
        next = { ...next, path: untilNul(await readMeta(reader, size)) }
      } else if (type === 'NextFileHasLongLinkpath') {
        next = { ...next, linkpath: untilNul(await readMeta(reader, size)) }
      } else {
        const stated = { ...global, ...next }
        next = {}
        const content = reader.content(stated.size ?? size)
        yield toEntry(header, stated, content, source.bytesRead)
        await content.skip()
      }
    }
  } finally {
    source.destroy()
    blocks.destroy()
  }
}

function toEntry(
  { type, path: ownPath = '', linkpath: ownTarget = '' }: Header,
  { path = ownPath, linkpath: target = ownTarget }: Extensions,
  content: Content,
  readBytes: number,
): ArchiveEntry {
  const base = { path, readBytes }
  switch (type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile': {
      const open = async () => Readable.from(content.read(), { objectMode: false })
      return { ...base, kind: 'file', sizeBytes: content.sizeBytes, open }
    }
    case 'Directory':
    case 'GNUDumpDir':
      return { ...base, kind: 'folder' }
    case 'SymbolicLink':
      return { ...base, kind: 'symbolic-link', target }
    case 'Link':
      return { ...base, kind: 'hard-link', target }
    default:
      return { ...base, kind: 'other', what: `an entry of type ${type}` }
  }
}

async function readMeta(reader: BlockReader, sizeBytes: number): Promise<string> {
  if (sizeBytes > MAX_META_BYTES) throw new Error(`a tar header of ${sizeBytes} bytes`)
  const chunks: Uint8Array[] = []
  const content = reader.content(sizeBytes)
  for await (const chunk of content.read()) chunks.push(chunk)
  await content.skip()
  return Buffer.concat(chunks).toString('utf8')
}

const untilNul = (text: string): string => text.replace(/\0[\s\S]*$/, '')

interface Content {
  readonly sizeBytes: number
  read(): AsyncGenerator<Uint8Array>
  /** Reads over what was not read, and the padding to the next block. */
  skip(): Promise<void>
}

/** Takes bytes from a stream, as many as are asked for. */
class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** Exactly `count` bytes; throws where the stream ends before. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = count; missing > 0; ) {
      const part = await this.#some(missing)
      parts.push(part)
      missing -= part.length
    }
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
  }

  content(sizeBytes: number): Content {
    let left = sizeBytes
    const some = this.#some.bind(this)
    async function* read() {
      while (left > 0) {
        const chunk = await some(left)
        left -= chunk.length
        yield chunk
      }
    }
    const skip = async () => {
      left += (BLOCK - (sizeBytes % BLOCK)) % BLOCK
      while (left > 0) left -= (await some(left)).length
    }
    return { sizeBytes, read, skip }
  }

  /** Reads to the end, where gzip keeps the checksum of it all. */
  async finish(maxBytes: number): Promise<void> {
    for (let left = maxBytes; left > 0; ) {
      const { value, done } = await this.#chunks.next()
      if (done === true) return
      left -= value.length
    }
    throw new Error(`more than ${maxBytes} bytes after its last entry`)
  }

  /** Between 1 and `most` bytes. */
  async #some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next()
      if (done === true) throw new Error('the end in the middle of it')
      this.#rest = value
    }
    const some = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(some.length)
    return some
  }
}
