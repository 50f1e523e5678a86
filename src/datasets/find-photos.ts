/** Finds photos below a folder, in one order everywhere; what cannot be read is a finding, never a stop. */
import { type Dirent, promises as fs } from 'node:fs'
import { extname, join } from 'node:path'
import { VergerError } from '../core/errors.ts'
import { PHOTO_EXTENSIONS } from '../images/formats.ts'

export type FoundPhoto =
  | { readonly path: string }
  /** Something below the folder that could not be looked at, e.g. a folder without permission. */
  | { readonly path: string; readonly error: VergerError }

const EXTENSIONS: ReadonlySet<string> = new Set(PHOTO_EXTENSIONS.map((name) => `.${name}`))

/**
 * Walks `folder` and gives every file that is named like a photo, folders in the order of their names (by code point).
 * Symbolic links are followed; a folder is entered once, so loops end. Hidden and other files are left out.
 */
export async function* findPhotos(
  folder: string,
  entered: Set<string> = new Set(),
): AsyncGenerator<FoundPhoto> {
  let entries: Dirent<Buffer>[]
  try {
    const identity = await fs.realpath(folder)
    if (entered.has(identity)) return
    entered.add(identity)
    entries = await fs.readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    yield { path: folder, error: unreadable(folder, error) }
    return
  }
  const named = entries.map((entry) => ({ entry, name: entry.name.toString('utf8') }))
  named.sort((a, b) => Buffer.compare(a.entry.name, b.entry.name))

  for (const { entry, name } of named) {
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const kind = entry.isSymbolicLink() ? await linkTarget(path) : entryKind(entry)
    if (kind === 'folder') yield* findPhotos(path, entered)
    else if (kind === 'file' && EXTENSIONS.has(extname(name).toLowerCase())) {
      yield Buffer.from(name, 'utf8').equals(entry.name) ? { path } : { path, error: badName(path) }
    }
  }
}

type Kind = 'file' | 'folder' | 'other'

function entryKind(entry: { isFile(): boolean; isDirectory(): boolean }): Kind {
  if (entry.isDirectory()) return 'folder'
  return entry.isFile() ? 'file' : 'other'
}

/** A link that leads nowhere counts as a file: reading it then says what is wrong. */
async function linkTarget(path: string): Promise<Kind> {
  try {
    return entryKind(await fs.stat(path))
  } catch {
    return 'file'
  }
}

function unreadable(path: string, cause: unknown): VergerError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new VergerError('photo_unreadable', `Expected a readable folder at ${path}: ${reason}`, {
    hint: 'Check the permissions of the folder and of those above it.',
    cause,
  })
}

function badName(path: string): VergerError {
  return new VergerError('photo_unreadable', `Expected a file name in UTF-8, received ${path}`, {
    hint: 'Rename the file; the marks stand where its name holds other bytes.',
  })
}
