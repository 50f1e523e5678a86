/** Fetches what a stranger named by its URL, from public addresses only, in bounded size and time. */
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Agent, type Dispatcher, request } from 'undici'
import { VergerError } from '../core/errors.ts'
import { readVersion } from '../core/version.ts'
import { isPublicAddress } from './public-address.ts'

export interface FetchPublicOptions {
  readonly maxBytes: number
  /** From the first look-up to the last byte, redirects included. */
  readonly timeoutMs: number
  readonly ports: readonly number[]
  readonly signal?: AbortSignal | undefined
  /** Called for each piece that has come, before it is kept; what it throws ends the transfer. */
  readonly onBytes?: (count: number) => void
  /** The internet, which tests replace. */
  readonly network?: PublicNetwork
}

export interface PublicNetwork {
  /** All addresses of a name; none where it has none. */
  resolve(name: string): Promise<readonly string[]>
  isPublic(address: string): boolean
}

const MAX_REDIRECTS = 5
const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * Gives the bytes. Throws `url_refused` where the URL or a redirect leads to what is not asked for strangers,
 * `photo_too_large`, `url_failed`, or the reason of the signal.
 *
 * A name is resolved while the connection is made, and the connection goes to the addresses that were checked: there is no
 * moment between the check and the connection at which the name could come to mean another one.
 */
export async function fetchPublic(url: string, options: FetchPublicOptions): Promise<Uint8Array> {
  const { timeoutMs, network = INTERNET } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
  // One for each fetch: no connection that was made for somebody else is used again, and no proxy of the environment.
  const dispatcher = new Agent({
    connect: { lookup: checkedLookup(network), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  try {
    const body = await follow(url, { ...options, network, dispatcher, signal })
    return await collect(body, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const known = findVergerError(error)
    if (known !== undefined) throw known
    throw failed(timeout.aborted ? `nothing whole within ${timeoutMs} ms` : messageOf(error), error)
  } finally {
    await dispatcher.destroy()
  }
}

type Hop = FetchPublicOptions & {
  readonly network: PublicNetwork
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
}

async function follow(url: string, hop: Hop): Promise<Dispatcher.ResponseData['body']> {
  let location = checkUrl(url, hop)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { statusCode, headers, body } = await request(location, {
      dispatcher: hop.dispatcher,
      signal: hop.signal,
      headers: { 'user-agent': `verger/${readVersion()}`, 'accept-encoding': 'identity' },
    })
    if (statusCode === 200) {
      checkHeaders(headers, hop.maxBytes)
      return body
    }
    body.on('error', () => {}).destroy()
    const next = headers['location']
    if (!REDIRECTS.includes(statusCode) || typeof next !== 'string') {
      throw failed(`the status ${statusCode}`)
    }
    location = checkUrl(next, hop, location)
  }
  throw failed(`more than ${MAX_REDIRECTS} redirects`)
}

/** Throws `url_refused`. A name is looked at when it is resolved; an address that stands in the URL is never resolved. */
function checkUrl(text: string, { ports, network }: Hop, from?: URL): URL {
  if (!URL.canParse(text, from?.href)) throw refused('a whole http or https URL', shorten(text))
  const url = new URL(text, from)
  const protocols = from?.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
  if (!protocols.includes(url.protocol)) throw refused(`${protocols.join(' or ')}//`, url.protocol)
  if (url.username !== '' || url.password !== '') {
    throw refused('no name or password in the URL', 'some')
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (!ports.includes(port)) throw refused(`the port ${ports.join(' or ')}`, `${port}`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !network.isPublic(host)) throw notPublic()
  return url
}

type Lookup = NonNullable<import('node:net').TcpNetConnectOpts['lookup']>

/** What a connection asks for the addresses of its name: all of them, or an error where one of them is not public. */
function checkedLookup(network: PublicNetwork): Lookup {
  return (name, options, callback) => {
    network.resolve(name).then(
      (addresses) => {
        const [first] = addresses
        if (first === undefined || !addresses.every((address) => network.isPublic(address))) {
          callback(notPublic(), '', 0)
        } else if (options.all === true) {
          callback(
            null,
            addresses.map((address) => ({ address, family: isIP(address) })),
          )
        } else {
          callback(null, first, isIP(first))
        }
      },
      (error: Error) => callback(error, '', 0),
    )
  }
}

/** How long the name server may take for one answer, and how often it is asked. */
const RESOLVER_OPTIONS = { timeout: 2000, tries: 2 }

/** By the name server alone: the file of hosts names what is inside, and the system's own look-up holds a thread. */
const INTERNET: PublicNetwork = {
  async resolve(name) {
    const resolver = new Resolver(RESOLVER_OPTIONS)
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  },
  isPublic: isPublicAddress,
}

function checkHeaders(headers: Dispatcher.ResponseData['headers'], maxBytes: number): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw failed(`a body in the encoding ${String(encoding)}`)
  const length = Number(headers['content-length'])
  if (length > maxBytes) throw tooLarge(maxBytes, `${length}`)
}

async function collect(
  body: AsyncIterable<Uint8Array>,
  { maxBytes, onBytes }: FetchPublicOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes, 'more')
    onBytes?.(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const HINT = 'Send the bytes of the photo instead.'

const refused = (expected: string, received: string): VergerError =>
  new VergerError('url_refused', `Expected ${expected}, received ${received}`, { hint: HINT })

/** The same words for a name without addresses and one with private ones: what is inside a network stays inside. */
const notPublic = (): VergerError => refused('a URL that leads to public addresses', 'another')

const failed = (received: string, cause?: unknown): VergerError =>
  new VergerError('url_failed', `Expected a photo at the URL, received ${received}`, {
    hint: HINT,
    ...(cause === undefined ? {} : { cause }),
  })

const tooLarge = (maxBytes: number, received: string): VergerError =>
  new VergerError(
    'photo_too_large',
    `Expected a photo of at most ${maxBytes} bytes, received ${received}`,
    { hint: 'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.', details: { maxBytes } },
  )

const MAX_SHOWN = 200
const shorten = (text: string): string => JSON.stringify(text.slice(0, MAX_SHOWN))

/** Of a look-up that failed, an error may be wrapped, or stand among those of several addresses. */
function findVergerError(error: unknown): VergerError | undefined {
  if (error instanceof VergerError) return error
  if (error instanceof AggregateError) return error.errors.map(findVergerError).find(Boolean)
  return error instanceof Error && error.cause !== undefined
    ? findVergerError(error.cause)
    : undefined
}

/** Messages of the network carry the address that a name led to; only their kind is told. */
function messageOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return code === undefined ? 'a broken answer' : `the failure ${code}`
}
