import { VergerError } from '../core/errors.ts'
import { safePath, unsafe } from './archive-entry.ts'
import { readZip } from './read-zip.ts'

/**
 * Gives the files of a zip that are `wanted`, by their paths below its root, in memory. Throws `archive_unsafe` where any
 * path leads out of the archive or what is wanted has more than `maxBytes`, and `archive_invalid` where it is damaged.
 */
export async function readZipFiles(
  file: string,
  wanted: (path: string) => boolean,
  maxBytes: number,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  let left = maxBytes
  try {
    for await (const entry of readZip(file)) {
      const path = safePath(entry.path)
      if (entry.kind !== 'file' || !wanted(path)) continue
      left -= entry.sizeBytes
      if (left < 0) throw unsafe(path, `more than ${maxBytes} bytes`)
      if (files.has(path)) throw new Error(`${path} is there twice`)
      files.set(path, await readAll(await entry.open(), entry.sizeBytes))
    }
  } catch (error) {
    if (error instanceof VergerError) throw error
    throw new VergerError(
      'archive_invalid',
      `Expected a zip at ${file}, received one that is damaged: ${(error as Error).message}`,
      { hint: 'Copy or download it again.', cause: error },
    )
  }
  return files
}

async function readAll(content: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes)
  let at = 0
  for await (const chunk of content) {
    // More than it states: yauzl fails then too, and nothing is written behind the end here.
    if (at + chunk.length > sizeBytes) throw new Error('a file is longer than it states')
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
