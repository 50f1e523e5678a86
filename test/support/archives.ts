/** Archives in memory: ordinary ones, and those that nobody makes by accident. */
import { gzipSync } from 'node:zlib'
import { strToU8, type ZippableFile, zipSync } from 'fflate'
import { Header, type types } from 'tar'

type EntryTypeName = Exclude<ReturnType<typeof types.name.get>, undefined>

export interface ArchiveFile {
  readonly path: string
  readonly content?: string | Uint8Array
  readonly type?: EntryTypeName
  readonly target?: string
  readonly mode?: number
}

const bytesOf = (content: string | Uint8Array = ''): Uint8Array =>
  typeof content === 'string' ? strToU8(content) : content

/** A tar (POSIX ustar) with the paths as they are given. */
export function createTar(files: readonly ArchiveFile[]): Buffer {
  const blocks: Uint8Array[] = []
  for (const { path, content, type = 'File', target, mode = 0o644 } of files) {
    const body = bytesOf(content)
    const header = Buffer.alloc(512)
    new Header({
      path,
      type,
      mode,
      size: body.length,
      mtime: new Date(0),
      ...(target === undefined ? {} : { linkpath: target }),
    }).encode(header)
    blocks.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512))
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

export const createTarGz = (files: readonly ArchiveFile[]): Buffer => gzipSync(createTar(files))

/** A zip with the paths as they are given; `mode` and symbolic links as Unix stores them. */
export function createZip(files: readonly ArchiveFile[]): Buffer {
  const entries = files.map(
    ({ path, content, type = 'File', target, mode = 0o644 }): [string, ZippableFile] => {
      const isLink = type === 'SymbolicLink'
      const unixMode = (isLink ? 0o120000 : 0o100000) | mode
      const body = isLink ? bytesOf(target) : bytesOf(content)
      return [path, [body, { os: 3, attrs: unixMode * 0x10000, mtime: '1980-01-01' }]]
    },
  )
  return Buffer.from(zipSync(Object.fromEntries(entries)))
}
