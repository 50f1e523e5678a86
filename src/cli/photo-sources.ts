/** What was named on the command line → the photos that it stands for. */
import { promises as fs } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { glob, isDynamicPattern } from 'tinyglobby'
import { VergerError } from '../core/errors.ts'
import { findPhotos } from '../datasets/find-photos.ts'

/** A photo that is loaded when its turn comes; loading may throw a VergerError. */
export interface PhotoSource {
  readonly source: string
  load(): Promise<string | Uint8Array>
}

export interface SourceOptions {
  readonly cwd: string
  readonly stdin: Readable
  /** Largest download in bytes. */
  readonly maxBytes: number
}

const DOWNLOAD_TIMEOUT_MS = 60_000

/** Resolves files, folders, globs, URLs and `-`, in the order in which they were named. */
export async function resolvePhotoSources(
  names: readonly string[],
  options: SourceOptions,
): Promise<PhotoSource[]> {
  const sources: PhotoSource[] = []
  for (const name of names) {
    for (const source of await resolveOne(name, options)) sources.push(source)
  }
  return sources
}

async function resolveOne(name: string, options: SourceOptions): Promise<PhotoSource[]> {
  if (name === '-') return [{ source: '-', load: () => collect(options.stdin, options.maxBytes) }]
  if (/^https?:\/\//i.test(name)) {
    return [{ source: name, load: () => download(name, options.maxBytes) }]
  }
  const stats = await fs.stat(name).catch((error: NodeJS.ErrnoException) => error)
  if (!(stats instanceof Error))
    return stats.isDirectory() ? folderSources(name) : [fileSource(name)]
  if (stats.code === 'ENOENT' && isDynamicPattern(name)) return globSources(name, options.cwd)
  return [fileSource(name)]
}

const fileSource = (path: string): PhotoSource => ({ source: path, load: async () => path })

const failedSource = (source: string, error: VergerError): PhotoSource => ({
  source,
  load: () => Promise.reject(error),
})

async function folderSources(folder: string): Promise<PhotoSource[]> {
  const sources: PhotoSource[] = []
  for await (const found of findPhotos(folder)) {
    sources.push('error' in found ? failedSource(found.path, found.error) : fileSource(found.path))
  }
  if (sources.length > 0) return sources
  const error = new VergerError('no_photo', `Expected photos below ${folder}, found none`, {
    hint: 'Photos are found by their extension: jpg, jpeg, png, webp, gif, tif, tiff.',
  })
  return [failedSource(folder, error)]
}

async function globSources(pattern: string, cwd: string): Promise<PhotoSource[]> {
  const paths = await glob(pattern, {
    cwd,
    absolute: isAbsolute(pattern),
    expandDirectories: false,
    followSymbolicLinks: true,
  })
  if (paths.length > 0) return (await enterOnce(paths.sort(), cwd)).map(fileSource)
  const error = new VergerError('no_photo', `Expected files that match ${pattern}, found none`, {
    hint: "Quote the pattern ('photos/**/*.jpg') and check the folder in front of the first *.",
  })
  return [failedSource(pattern, error)]
}

async function download(url: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) })
    if (!response.ok) throw urlFailed(url, `the status ${response.status} ${response.statusText}`)
    return await collect(response.body ?? [], maxBytes)
  } catch (error) {
    if (error instanceof VergerError) throw error
    const { message, cause } = error as Error
    throw urlFailed(url, cause instanceof Error ? cause.message : message, error)
  }
}

/** Leaves out what links show again of a folder that was entered already, as `findPhotos` does. */
async function enterOnce(paths: readonly string[], cwd: string): Promise<string[]> {
  const entered = new Map<string, string>()
  const kept: string[] = []
  for (const path of paths) {
    const folder = dirname(path)
    const identity = await fs.realpath(resolve(cwd, folder))
    if (!entered.has(identity)) entered.set(identity, folder)
    if (entered.get(identity) === folder) kept.push(path)
  }
  return kept
}

/** Reads a stream to its end, or until it is larger than a photo may be. */
async function collect(stream: AsyncIterable<Uint8Array> | [], maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes <= maxBytes) continue
    throw new VergerError(
      'photo_too_large',
      `Expected a photo of at most ${maxBytes} bytes, received more`,
      {
        hint: 'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.',
        details: { maxBytes },
      },
    )
  }
  return Buffer.concat(chunks)
}

function urlFailed(url: string, received: string, cause?: unknown): VergerError {
  return new VergerError('url_failed', `Expected a photo at ${url}, received ${received}`, {
    hint: 'Open the address in a browser, or download the photo and name the file.',
    ...(cause === undefined ? {} : { cause }),
  })
}
