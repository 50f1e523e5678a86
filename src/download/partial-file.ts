/**
 * The part of a download that has arrived, which the next attempt or the next process continues:
 *
 *   <file>.partial        its bytes so far
 *   <file>.partial.json   what they are part of: URL, validators, size
 *
 * The bytes of an older part are removed before the description of a new one is written, so that the two always belong
 * together, whenever the process is killed.
 */
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../core/atomic-write.ts'

/** What the server says a file is (RFC 9110, section 8.8). */
export interface Identity {
  readonly url: string
  readonly etag?: string
  readonly lastModified?: string
  /** Size of the whole file. */
  readonly totalBytes?: number
}

export interface Part {
  readonly identity: Identity
  readonly sizeBytes: number
}

export class PartialFile {
  readonly path: string
  readonly #to: string
  readonly #description: string

  constructor(to: string) {
    this.#to = to
    this.path = `${to}.partial`
    this.#description = `${to}.partial.json`
  }

  /** What has arrived of this URL; undefined where nothing has, or where it is not known what it is part of. */
  async read(url: string): Promise<Part | undefined> {
    try {
      const identity = JSON.parse(await readFile(this.#description, 'utf8')) as Identity
      const { size: sizeBytes } = await stat(this.path)
      return identity.url === url && sizeBytes > 0 ? { identity, sizeBytes } : undefined
    } catch {
      // Absent or damaged: the download starts over, which is always right.
      return undefined
    }
  }

  /** Forgets what has arrived and describes what comes next. */
  async start(identity: Identity): Promise<void> {
    await (await open(this.path, 'w')).close()
    // Half of it, after a kill, cannot be parsed and counts as none.
    await writeFile(this.#description, JSON.stringify(identity))
  }

  async discard(): Promise<void> {
    await rm(this.path, { force: true })
    await rm(this.#description, { force: true })
  }

  /** Gives the file its name once it is on the disk. */
  async finish(): Promise<void> {
    const file = await open(this.path, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(this.path, this.#to)
    await syncFolder(dirname(this.#to))
    await rm(this.#description, { force: true })
  }
}
