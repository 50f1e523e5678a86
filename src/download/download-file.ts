/**
 * Downloads one file that may be large, from a server that may stall, cut, redirect or lie.
 *
 *   nothing ──200──▶ part ──all bytes──▶ whole ──checksum──▶ file under its name
 *                    │ ▲                  └─ differs ▶ removed; once more from the start where it was resumed
 *                    └─┘ cut, stall, 5xx: continued by Range; from the start where the server's file has changed
 */
import { createWriteStream } from 'node:fs'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import { type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { createFolder, toWriteError } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { md5OfFile, sha256OfFile } from '../core/hashes.ts'
import { checkFreeSpace, readFreeBytes } from './free-space.ts'
import { type Part, PartialFile } from './partial-file.ts'
import { type FileResponse, requestFile, resumeValidator } from './request-file.ts'

export interface DownloadOptions {
  readonly url: string
  /** Where the file goes; what has arrived of it lies beside, with `.partial` behind its name. */
  readonly to: string
  /** Published checksum in lower-case hexadecimal. */
  readonly sha256?: string | undefined
  /** The same where the publisher states an MD5 only: it tells a damaged file, not a forged one. */
  readonly md5?: string | undefined
  /** Published size. */
  readonly expectedBytes?: number | undefined
  /** Bytes of disk needed beside each byte of the file, to unpack it. */
  readonly unpackFactor?: number
  /** Bytes of the file that are here, and all of them where the server says. */
  readonly onProgress?: ((done: number, total?: number) => void) | undefined
  /** What a person should know: a retry, a start from the beginning. */
  readonly onNote?: ((note: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Longest time without a byte. */
  readonly stallMs?: number
  /** Time before the first retry; each further one waits twice as long. */
  readonly retryMs?: number
}

export interface Download {
  readonly sha256: string
  readonly sizeBytes: number
}

const CONNECT_TIMEOUT_MS = 15_000
/** Retries without progress; 0.5 to 16 s apart, so that about half a minute without network is survived. */
const RETRIES = 6
const MAX_RETRY_MS = 16_000
const MAX_RETRY_AFTER_MS = 60_000
/** Bytes that count as progress: an attempt that brought so many costs no retry. */
const PROGRESS_BYTES = 64 * 1024

/**
 * Returns once the file is whole, checked and on the disk. Throws `download_failed`, `checksum_mismatch`, `disk_full`,
 * `write_failed`, or the reason of `signal`; what has arrived is kept for the next call unless it is wrong.
 */
export async function downloadFile(options: DownloadOptions): Promise<Download> {
  const { url, to, stallMs = 30_000 } = options
  await createFolder(dirname(to))
  const dispatcher = new EnvHttpProxyAgent({
    headersTimeout: stallMs,
    bodyTimeout: stallMs,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  const partial = new PartialFile(to)
  const attempt = new DownloadAttempt(options, partial, dispatcher)
  try {
    let file = await attempt.finish()
    let difference = await findDifference(options, file, partial.path)
    if (difference !== undefined && attempt.isResumed) {
      options.onNote?.('What had arrived before was damaged; starting over')
      await partial.discard()
      file = await attempt.finish()
      difference = await findDifference(options, file, partial.path)
    }
    if (difference !== undefined) {
      const { name, expected, received } = difference
      await partial.discard()
      throw new VergerError(
        'checksum_mismatch',
        `Expected the ${name} ${expected} that the publisher states, received ${received} (${file.sizeBytes} bytes) from ${url}`,
        {
          hint: 'The file was removed. Try again on another network; if it stays so, ask the publisher.',
          details: { url, expected, received, sizeBytes: file.sizeBytes },
        },
      )
    }
    await partial.finish()
    return file
  } finally {
    // A stalled connection would keep close() waiting.
    await dispatcher.destroy()
  }
}

/** How a whole file differs from what the publisher states; undefined where it does not. */
async function findDifference(
  { sha256, md5 }: DownloadOptions,
  file: Download,
  path: string,
): Promise<{ name: string; expected: string; received: string } | undefined> {
  if (sha256 !== undefined && file.sha256 !== sha256) {
    return { name: 'SHA-256', expected: sha256, received: file.sha256 }
  }
  if (md5 === undefined) return undefined
  const received = await md5OfFile(path)
  return received === md5 ? undefined : { name: 'MD5', expected: md5, received }
}

class DownloadAttempt {
  readonly #options: DownloadOptions
  readonly #partial: PartialFile
  readonly #dispatcher: Dispatcher
  /** Most bytes that were ever here at once. */
  #bestBytes = 0
  #hasProgress = false
  /** Whether some of the bytes were here before this process asked. */
  isResumed = false

  constructor(options: DownloadOptions, partial: PartialFile, dispatcher: Dispatcher) {
    this.#options = options
    this.#partial = partial
    this.#dispatcher = dispatcher
  }

  /** Asks until all bytes are here. */
  async finish(): Promise<Download> {
    const { url, onNote, signal, retryMs = 500 } = this.#options
    this.isResumed = (await this.#partial.read(url)) !== undefined
    try {
      const sizeBytes = await pRetry(() => this.#attempt(), {
        retries: RETRIES,
        minTimeout: retryMs,
        maxTimeout: MAX_RETRY_MS,
        randomize: true,
        ...(signal === undefined ? {} : { signal }),
        shouldRetry: ({ error }) => !(error instanceof VergerError),
        shouldConsumeRetry: () => !this.#hasProgress,
        onFailedAttempt: async ({ error, retriesLeft }) => {
          signal?.throwIfAborted()
          if (error instanceof VergerError || retriesLeft === 0) return
          onNote?.(`${capitalise(reasonOf(error))}; trying again`)
          const waitMs = error instanceof Rejected ? error.retryAfterMs : undefined
          if (waitMs !== undefined || this.#hasProgress) {
            await sleep(Math.min(waitMs ?? retryMs, MAX_RETRY_AFTER_MS), undefined, { signal })
          }
        },
      })
      return { sha256: await sha256OfFile(this.#partial.path), sizeBytes }
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (error instanceof VergerError) throw error
      throw new VergerError(
        'download_failed',
        `Expected the file at ${url}, received ${reasonOf(error)}, ${RETRIES + 1} times in a row`,
        {
          hint: 'Check the network and run the command again: it continues where it stopped.',
          details: { url },
          cause: error,
        },
      )
    }
  }

  /** One request; gives the size of the file once it is whole. */
  async #attempt(): Promise<number> {
    this.#hasProgress = false
    const { url, sha256, md5, expectedBytes } = this.#options
    const part = await this.#partial.read(url)
    this.#bestBytes = Math.max(this.#bestBytes, part?.sizeBytes ?? 0)
    const partTotal = part?.identity.totalBytes
    if (part !== undefined && part.sizeBytes === partTotal) return part.sizeBytes
    // Without a validator another file could be continued; a published checksum would tell.
    const isSafe =
      part !== undefined && (sha256 ?? md5 ?? resumeValidator(part.identity)) !== undefined
    const known = isSafe ? part : undefined
    await this.#checkSpace(expectedBytes, known?.sizeBytes ?? 0)
    const response = await requestFile(url, known, {
      dispatcher: this.#dispatcher,
      signal: this.#options.signal,
    })
    try {
      const start = await this.#judge(response, known)
      const { totalBytes } = response
      await this.#checkSpace(totalBytes, start)
      if (start === 0) await this.#partial.start(response.identity)
      return await this.#receive(response, start)
    } finally {
      response.body.on('error', () => {})
      response.body.destroy()
    }
  }

  /** Gives the place of the first byte of the response. Throws where the response cannot be used. */
  async #judge(response: FileResponse, part: Part | undefined): Promise<number> {
    const { url, expectedBytes, onNote } = this.#options
    const { status, start, totalBytes, identity } = response
    if (status === 416 || (status === 206 && part === undefined)) {
      await this.#partial.discard()
      throw new Error(`a refusal to continue at byte ${part?.sizeBytes ?? 0} (status ${status})`)
    }
    if (status !== 200 && status !== 206) throw rejection(url, response)
    refuseWebPage(url, response.contentType)
    if (expectedBytes !== undefined && totalBytes !== undefined && totalBytes !== expectedBytes) {
      throw new VergerError(
        'download_failed',
        `Expected the ${expectedBytes} bytes that the publisher states, the server announces ${totalBytes} at ${url}`,
        { hint: 'The file has changed at the publisher: see whether Verger has an update.' },
      )
    }
    if (status === 200) {
      if (part !== undefined) {
        const hasChanged = resumeValidator(identity) !== resumeValidator(part.identity)
        onNote?.(
          `${hasChanged ? 'The file has changed at the server' : 'The server cannot continue'}; starting over`,
        )
        this.isResumed = false
      }
      return 0
    }
    const isSame =
      start === part?.sizeBytes &&
      totalBytes === (part.identity.totalBytes ?? totalBytes) &&
      (identity.etag ?? part.identity.etag) === part.identity.etag
    if (isSame) return start
    await this.#partial.discard()
    throw new Error(
      `another part than was asked for (from byte ${start} of ${totalBytes}, not ${part?.sizeBytes} of ${part?.identity.totalBytes})`,
    )
  }

  /** Appends the body to the part. */
  async #receive(response: FileResponse, start: number): Promise<number> {
    const { url, to, onProgress } = this.#options
    const { totalBytes } = response
    const mostBytes = start + (await readFreeBytes(dirname(to)))
    const bestBefore = this.#bestBytes
    let done = start
    onProgress?.(done, totalBytes)
    const count = async function* (this: DownloadAttempt, body: AsyncIterable<Buffer>) {
      for await (const chunk of body) {
        if (done === 0) refuseWebPage(url, '', chunk)
        done += chunk.length
        if (done > mostBytes) await checkFreeSpace(dirname(to), chunk.length, `download ${url}`)
        this.#bestBytes = Math.max(this.#bestBytes, done)
        this.#hasProgress = done - bestBefore >= PROGRESS_BYTES
        yield chunk
        onProgress?.(done, totalBytes)
      }
    }
    const target = createWriteStream(this.#partial.path, { flags: 'r+', start })
    try {
      await pipeline(response.body, count.bind(this), target)
    } catch (error) {
      if (target.errored === error && isDiskError(error)) throw toWriteError(error, to)
      throw error
    }
    if (totalBytes !== undefined && done !== totalBytes) {
      throw new Error(`${done} of the ${totalBytes} bytes that were announced`)
    }
    return done
  }

  async #checkSpace(totalBytes: number | undefined, doneBytes: number): Promise<void> {
    if (totalBytes === undefined) return
    const { url, to, unpackFactor = 0 } = this.#options
    const neededBytes = Math.ceil(totalBytes - doneBytes + totalBytes * unpackFactor)
    await checkFreeSpace(
      dirname(to),
      neededBytes,
      `download${unpackFactor > 0 ? ' and unpack' : ''} ${url}`,
    )
  }
}

/** A status that may be another one soon. */
class Rejected extends Error {
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

const PASSING_STATUSES = [408, 425, 429]

function rejection(url: string, { status, retryAfterMs }: FileResponse): Error {
  if (status >= 500 || PASSING_STATUSES.includes(status)) {
    return new Rejected(`the status ${status}`, retryAfterMs)
  }
  const needsLogin = status === 401 || status === 403 || status === 407
  return new VergerError(
    'download_failed',
    `Expected the file at ${url}, received the status ${status}`,
    {
      hint: needsLogin
        ? 'The server wants a login: download the file in a browser and give it with --from.'
        : 'Check the address: the publisher may have moved the file.',
      details: { url, status },
    },
  )
}

/** A login page, a notice or a captive portal that stands where the file should be. */
function refuseWebPage(url: string, contentType: string, start?: Buffer): void {
  const isPage =
    /^(text\/html|application\/xhtml)/.test(contentType) ||
    (start !== undefined && /^\W*<(!doctype html|html)/i.test(start.toString('latin1', 0, 64)))
  if (!isPage) return
  throw new VergerError('download_failed', `Expected a file at ${url}, received a web page`, {
    hint: 'Open the address in a browser and copy the one of the file itself, or download it there and give it with --from.',
    details: { url },
  })
}

const DISK_CODES = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EFBIG']

const isDiskError = (error: unknown): boolean =>
  DISK_CODES.includes((error as NodeJS.ErrnoException).code ?? '')

/** Words for what undici reports by code. */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  UND_ERR_BODY_TIMEOUT: 'no further byte in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'a connection that was cut',
  ECONNRESET: 'a connection that was cut',
  ECONNREFUSED: 'a refused connection',
  ENOTFOUND: 'a host name that nobody knows',
  EAI_AGAIN: 'no answer about the host name',
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return NETWORK_REASONS[code] ?? message
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
