/** Puts a publication into a bucket or a folder: what is there already is not sent again, and nothing else is replaced. */
import { dirname, join } from 'node:path'
import type { Bucket } from '../buckets/bucket.ts'
import { parseBucketUrl } from '../buckets/bucket-url.ts'
import { openBucket } from '../buckets/open-bucket.ts'
import { createFolder, writeFileAtomic, writeFolderAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hashes.ts'
import { readFileAs } from '../core/verified-bytes.ts'
import { isUrl } from './open-source.ts'
import type { Publication, PublishedFile } from './plan-publication.ts'
import { isMainFile } from './source-listing.ts'

export interface PublishOptions {
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Names of files that were put now, and of those that lay there already. */
export interface Published {
  readonly put: readonly string[]
  readonly kept: readonly string[]
}

/**
 * @param to - `gs://…`, `s3://…` or an absolute path
 *
 * A run that was stopped is continued by the next one. Throws `publication_exists` where something else lies there,
 * `bucket_url_invalid`, an error of the bucket, `disk_full`, `write_failed`, or the reason of the signal.
 */
export async function publish(
  publication: Publication,
  to: string,
  options: PublishOptions = {},
): Promise<Published> {
  return isUrl(to)
    ? publishToBucket(publication, to, options)
    : publishToFolder(publication, to, options)
}

async function publishToBucket(
  publication: Publication,
  to: string,
  { onProgress, signal }: PublishOptions,
): Promise<Published> {
  const place = parseBucketUrl(to)
  const bucket = await openBucket(place)
  const root = place.prefix === '' ? '' : `${place.prefix}/`
  const found: string[] = []
  for await (const { key } of bucket.list(root)) found.push(key.slice(root.length))
  const main = publication.at(-1)
  const isWhole = main !== undefined && found.includes(main.name)
  if (isWhole && !(await lies(bucket, `${root}${main.name}`, main))) throw occupied(to, [main.name])
  const others = found.filter((name) => isMainFile(name) && name !== main?.name)
  if (others.length > 0) throw occupied(to, others)

  const totalBytes = publication.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let doneBytes = 0
  const [put, kept]: [string[], string[]] = [[], []]
  for (const file of publication) {
    signal?.throwIfAborted()
    const key = `${root}${file.name}`
    if (found.includes(file.name) && (await lies(bucket, key, file))) kept.push(file.name)
    else {
      await putFile(bucket, key, file, {
        signal,
        onProgress: (bytes) => onProgress?.(doneBytes + bytes, totalBytes),
      })
      put.push(file.name)
    }
    doneBytes += file.sizeBytes
    onProgress?.(doneBytes, totalBytes)
  }
  return { put, kept }
}

/** Whether this very file lies under a key, as an earlier run put it there. */
async function lies(bucket: Bucket, key: string, file: PublishedFile): Promise<boolean> {
  const there = await bucket.stat(key)
  return there?.sha256 === file.sha256 && there.sizeBytes === file.sizeBytes
}

function putFile(
  bucket: Bucket,
  key: string,
  { content, sha256 }: PublishedFile,
  {
    onProgress,
    signal,
  }: { onProgress: (doneBytes: number) => void; signal: AbortSignal | undefined },
): Promise<void> {
  if (content instanceof Uint8Array) return bucket.put(key, content, { sha256 })
  return bucket.putFile(key, content.path, { sha256, onProgress, signal })
}

async function publishToFolder(
  publication: Publication,
  folder: string,
  { signal }: PublishOptions,
): Promise<Published> {
  const names = publication.map(({ name }) => name)
  if (await isSame(publication, folder)) return { put: [], kept: names }
  await writeFolderAtomic(
    folder,
    async (temporary) => {
      for (const { name, content, sha256 } of publication) {
        signal?.throwIfAborted()
        const path = join(temporary, ...name.split('/'))
        await createFolder(dirname(path))
        if (content instanceof Uint8Array) await writeFileAtomic(path, content)
        else await writeFileAtomic(path, readFileAs(content.path, sha256))
      }
    },
    (cause) => occupied(folder, ['files'], cause),
  )
  return { put: names, kept: [] }
}

async function isSame(publication: Publication, folder: string): Promise<boolean> {
  const matches = publication.map(async ({ name, sha256 }) => {
    const received = await sha256OfFile(join(folder, ...name.split('/'))).catch(() => undefined)
    return received === sha256
  })
  return (await Promise.all(matches)).every(Boolean)
}

function occupied(to: string, found: readonly string[], cause?: unknown): VergerError {
  return new VergerError(
    'publication_exists',
    `Expected nothing at ${to}, or what is to be published, found ${found.join(', ')} of something else`,
    {
      hint: 'What was published never changes: name another place.',
      details: { to },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
