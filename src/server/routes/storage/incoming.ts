/** Bodies of uploads → files, since they may be larger than memory should hold. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { toWriteError } from '../../../core/atomic-write.ts'
import type { LocalFile } from '../../../registry/staged-objects.ts'
import { withUploadFolder } from '../../../store/upload-folder.ts'

/**
 * Writes what a stream gives into a file, which is there for as long as `use` takes. Throws `disk_full`, `write_failed`, and
 * what the stream throws where it is cut.
 */
export async function receiveFile<Result>(
  bytes: AsyncIterable<Uint8Array>,
  home: string,
  use: (file: LocalFile) => Promise<Result>,
): Promise<Result> {
  return withUploadFolder(home, async (folder) => {
    const path = join(folder, 'body')
    const [sha256, md5] = [createHash('sha256'), createHash('md5')]
    let sizeBytes = 0
    const measure = new Transform({
      transform(piece: Buffer, _encoding, done) {
        sha256.update(piece)
        md5.update(piece)
        sizeBytes += piece.length
        done(null, piece)
      },
    })
    try {
      await pipeline(Readable.from(bytes), measure, createWriteStream(path))
    } catch (error) {
      const isOfDisk = error instanceof Error && 'syscall' in error && 'path' in error
      throw isOfDisk ? toWriteError(error, path) : error
    }
    return use({ path, sha256: sha256.digest('hex'), md5: md5.digest('base64'), sizeBytes })
  })
}
