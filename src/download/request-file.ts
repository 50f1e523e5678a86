/** One request for a file or the rest of it, redirects followed. */
import { type Dispatcher, request } from 'undici'
import { VergerError } from '../core/errors.ts'
import { readVersion } from '../core/version.ts'
import type { Identity, Part } from './partial-file.ts'

export type FileResponse = {
  readonly status: number
  readonly identity: Identity
  readonly contentType: string
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfterMs: number | undefined
  /** First byte of a 206, and what the response says of the size of the whole file. */
  readonly start: number
  readonly totalBytes: number | undefined
  readonly body: Dispatcher.ResponseData['body']
}

const MAX_REDIRECTS = 10
const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * Asks for `url`, or for what is missing of `part`. Throws `download_failed` where redirects lead nowhere, and what undici
 * throws where the network fails.
 */
export async function requestFile(
  url: string,
  part: Part | undefined,
  options: { readonly dispatcher: Dispatcher; readonly signal?: AbortSignal | undefined },
): Promise<FileResponse> {
  let location = new URL(url)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await request(location.href, { ...options, headers: headersFor(part) })
    const { statusCode: status, headers, body } = response
    if (!REDIRECTS.includes(status)) return { ...readHeaders(url, headers, status), status, body }
    await body.dump()
    location = resolveRedirect(location, first(headers['location']))
  }
  throw new VergerError(
    'download_failed',
    `Expected a file at ${url} after at most ${MAX_REDIRECTS} redirects, received another to ${location.href}`,
    { hint: 'The server sends in circles: open the address in a browser and copy the final one.' },
  )
}

/** Throws `download_failed` where a redirect leaves HTTP, or leaves HTTPS. */
export function resolveRedirect(from: URL, location: string | undefined): URL {
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
  if (location !== undefined && URL.canParse(location, from.href)) {
    const to = new URL(location, from)
    if (allowed.includes(to.protocol)) return to
  }
  throw new VergerError(
    'download_failed',
    `Expected a redirect from ${from.href} to ${allowed.map((name) => `${name}//`).join(' or ')}, received ${location ?? 'no location'}`,
    { hint: 'Do not trust this server; look for the file at its publisher.' },
  )
}

function headersFor(part: Part | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    'user-agent': `verger/${readVersion()}`,
    // What is counted, resumed and hashed is the file itself.
    'accept-encoding': 'identity',
  }
  if (part === undefined) return headers
  const validator = resumeValidator(part.identity)
  headers['range'] = `bytes=${part.sizeBytes}-`
  if (validator !== undefined) headers['if-range'] = validator
  return headers
}

/** What If-Range may hold: a strong entity tag, else the date (RFC 9110, section 13.1.5). */
export function resumeValidator({ etag, lastModified }: Identity): string | undefined {
  return etag !== undefined && !etag.startsWith('W/') ? etag : lastModified
}

type Headers = Dispatcher.ResponseData['headers']

const first = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header

function readHeaders(url: string, headers: Headers, status: number) {
  const [etag, lastModified] = [first(headers['etag']), first(headers['last-modified'])]
  const range = parseContentRange(first(headers['content-range']))
  const length = parseCount(first(headers['content-length']))
  const start = status === 206 ? (range?.start ?? Number.NaN) : 0
  const totalBytes = status === 206 || status === 416 ? range?.totalBytes : length
  const identity = {
    url,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  }
  const contentType = first(headers['content-type'])?.toLowerCase() ?? ''
  const retryAfterMs = parseRetryAfter(first(headers['retry-after']))
  return { identity, contentType, retryAfterMs, start, totalBytes }
}

/** `bytes 5-9/10` or, where nothing can be sent, `bytes * /10` without the space; a total of `*` is unknown. */
export function parseContentRange(
  header: string | undefined,
): { readonly start?: number; readonly totalBytes?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/i.exec(header ?? '')
  if (match === null) return undefined
  const [start, totalBytes] = [parseCount(match[1]), parseCount(match[2])]
  return {
    ...(start === undefined ? {} : { start }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  }
}

function parseCount(text: string | undefined): number | undefined {
  const count = /^\d+$/.test(text ?? '') ? Number(text) : undefined
  return Number.isSafeInteger(count) ? count : undefined
}

/** Seconds, or a date. */
function parseRetryAfter(header: string | undefined): number | undefined {
  const seconds = parseCount(header)
  if (seconds !== undefined) return seconds * 1000
  const untilMs = Date.parse(header ?? '') - Date.now()
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs)
}
