/** Entries of a zip, by its central directory, each checked against its size and CRC-32. */
import { type Readable, Transform } from 'node:stream'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { VergerError } from '../core/errors.ts'
import type { ArchiveEntry } from './archive-entry.ts'
import { openZip } from './open-zip.ts'

/** File type bits of a Unix mode, in the upper half of the external attributes (APPNOTE.TXT 4.4.15). */
const TYPE_BITS = 0o170000
const REGULAR = 0o100000
const FOLDER = 0o040000
const LINK = 0o120000

/** Longest target of a link that any system resolves. */
const MAX_TARGET_BYTES = 4096

/** What the central directory states, before anything is unpacked. */
export interface ZipTotals {
  readonly entries: number
  /** Bytes once unpacked. */
  readonly unpackedBytes: number
}

export async function readZipTotals(file: string): Promise<ZipTotals> {
  let entries = 0
  let unpackedBytes = 0
  for await (const [entry] of eachEntry(file)) {
    entries++
    unpackedBytes += entry.uncompressedSize
  }
  return { entries, unpackedBytes }
}

/** Gives every entry but the resource forks that macOS adds under `__MACOSX/`. */
export async function* readZip(file: string): AsyncGenerator<ArchiveEntry> {
  let readBytes = 0
  for await (const [entry, zip] of eachEntry(file)) {
    readBytes += entry.compressedSize
    // Decoded here and not by yauzl, which would report an unsafe path as a damaged archive.
    const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry
    const path = yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false)
    if (path.startsWith('__MACOSX/')) continue
    const base = { path, readBytes }
    const type = (entry.externalFileAttributes >>> 16) & TYPE_BITS
    if (path.endsWith('/') || type === FOLDER) yield { ...base, kind: 'folder' }
    else if (type === LINK) {
      yield { ...base, kind: 'symbolic-link', target: await readTarget(zip, entry, path) }
    } else if (type === REGULAR || type === 0) {
      const open = () => openContent(zip, entry, path)
      yield { ...base, kind: 'file', sizeBytes: entry.uncompressedSize, open }
    } else yield { ...base, kind: 'other', what: 'a device or socket' }
  }
}

async function* eachEntry(file: string): AsyncGenerator<[Entry, ZipFile]> {
  const zip = await openZip(file)
  try {
    for await (const entry of zip.eachEntry()) yield [entry, zip]
  } finally {
    zip.close()
  }
}

async function openContent(zip: ZipFile, entry: Entry, path: string): Promise<Readable> {
  if (entry.isEncrypted()) {
    throw new VergerError('archive_invalid', `Expected a zip without password, ${path} has one`, {
      hint: 'Unpack it with its password yourself and name the folder.',
    })
  }
  if (!entry.canDecodeFileData()) {
    throw new VergerError(
      'archive_invalid',
      `Expected files that are stored or deflated, ${path} uses compression method ${entry.compressionMethod}`,
      { hint: 'Pack the photos anew as a plain zip, or unpack them yourself and name the folder.' },
    )
  }
  const content = await zip.openReadStreamPromise(entry)
  let sum = 0
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum)
      done(null, chunk)
    },
    flush(done) {
      const [expected, received] = [entry.crc32, sum].map((crc) =>
        crc.toString(16).padStart(8, '0'),
      )
      if (entry.crc32 === sum) done()
      else done(new Error(`${path} has the CRC-32 ${received} instead of ${expected}`))
    },
  })
  content.on('error', (error) => check.destroy(error))
  // Until somebody reads, nobody listens, and an error that nobody hears ends the process; whoever reads gets it then.
  check.on('error', () => {})
  check.on('close', () => content.destroy())
  return content.pipe(check)
}

async function readTarget(zip: ZipFile, entry: Entry, path: string): Promise<string> {
  if (entry.uncompressedSize > MAX_TARGET_BYTES) {
    throw new Error(`${path} is a link with a target of ${entry.uncompressedSize} bytes`)
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of await openContent(zip, entry, path)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
