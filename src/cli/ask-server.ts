/** Asks a server and gives its answer as the same command would have it from this machine, errors included. */
import { createClient, type VergerClient } from '../client/create-client.ts'
import { ERROR_CATALOGUE, type ErrorCode, VergerError } from '../core/errors.ts'
import type { ServerAddress } from './server-choice.ts'
import { createServerFetch, type ServerFetch } from './server-fetch.ts'

export interface AskedServer {
  readonly address: ServerAddress
  readonly client: VergerClient
  readonly fetch: ServerFetch
  /**
   * Gives the data of an answer and its headers. Throws the error of the server as it is, and `server_unreachable`,
   * `server_untrusted`, `server_foreign`, `server_too_old` or `server_failed`.
   */
  ask<Data>(send: (client: VergerClient) => Promise<Answer<Data>>): Promise<Answered<Data>>
  close(): Promise<void>
}

interface Answer<Data> {
  readonly data?: Data
  readonly error?: unknown
  readonly response: Response
}

interface Answered<Data> {
  readonly data: Data
  readonly headers: Headers
}

export function openServer(address: ServerAddress): AskedServer {
  const { url, token } = address
  const fetch = createServerFetch()
  const client = createClient({ server: url, token, fetch })
  return {
    address,
    client,
    fetch,
    async ask(send) {
      const { data, error, response } = await send(client).catch((cause: unknown) => {
        throw toServerError(cause, address)
      })
      if (!response.ok) throw readFailure(error, response, address)
      return { data: data as NonNullable<typeof data>, headers: response.headers }
    },
    close: () => fetch.close(),
  }
}

/** The error that a response carries. */
function readFailure(
  body: unknown,
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  address: ServerAddress,
): VergerError {
  const { url, token } = address
  const location = headers.get('location')
  if (location !== null && status >= 300) {
    return new VergerError(
      'server_foreign',
      `Expected an answer of Verger at ${url}, received a redirection to ${location}`,
      { hint: 'Name the address that it leads to: --server URL' },
    )
  }
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly error?: {
      readonly code?: unknown
      readonly message?: unknown
      readonly hint?: unknown
    }
  }
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') {
    return foreign(
      address,
      `the status ${status} with ${headers.get('content-type') ?? 'no content'}`,
    )
  }
  const { code, message } = error
  if (code === 'unauthorized') {
    return new VergerError('unauthorized', `${url}: ${message}`, {
      hint:
        token === undefined
          ? 'Set VERGER_TOKEN, or: verger config set token'
          : 'The token that was sent is none of this server: check VERGER_TOKEN, or: verger config set token',
    })
  }
  if (code === 'route_unknown' || code === 'method_not_allowed') {
    return new VergerError('server_too_old', `${url} does not know what was asked: ${message}`, {
      hint: 'Update Verger there, or run the command on its machine.',
    })
  }
  const isKnown = Object.hasOwn(ERROR_CATALOGUE, code)
  return new VergerError(
    isKnown ? (code as ErrorCode) : 'server_failed',
    isKnown ? message : `${url}: ${message} [${code}]`,
    typeof error.hint === 'string' ? { hint: error.hint } : {},
  )
}

/** Codes of certificates that cannot be trusted (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT)|HOSTNAME_MISMATCH)/

/** Says in our words why a request could not be sent, or its answer not be read. */
function toServerError(error: unknown, address: ServerAddress): VergerError {
  if (error instanceof VergerError) return error
  const { url } = address
  if (error instanceof SyntaxError) return foreign(address, 'an answer that is no JSON', error)
  const { code = '', message } = deepestCause(error)
  const options = (hint: string) => ({ hint, cause: error })
  if (UNTRUSTED.test(code)) {
    return new VergerError(
      'server_untrusted',
      `Expected a certificate that can be trusted from ${url}, received ${message}`,
      options('Name the authority that signed it: NODE_EXTRA_CA_CERTS=ca.pem verger …'),
    )
  }
  if (/^(ERR_SSL|EPROTO)/.test(code)) {
    return foreign(address, `no TLS (${code})`, error, `Perhaps ${url.replace(/^https/, 'http')}`)
  }
  if (/^HPE_/.test(code)) {
    return foreign(
      address,
      `no HTTP (${message})`,
      error,
      `Perhaps ${url.replace(/^http:/, 'https:')}`,
    )
  }
  if (code === 'UND_ERR_SOCKET' && url.startsWith('http:')) {
    return unreachable(
      url,
      message,
      options(`Is it up, and is it perhaps ${url.replace(/^http:/, 'https:')}?`),
    )
  }
  return unreachable(
    url,
    message,
    options(
      'Is it up, and is the address right? verger up starts one, verger config list shows what is set.',
    ),
  )
}

const unreachable = (url: string, received: string, options: { hint: string; cause: unknown }) =>
  new VergerError(
    'server_unreachable',
    `Expected a Verger at ${url}, received ${received}`,
    options,
  )

export function foreign(
  { url }: ServerAddress,
  received: string,
  cause?: unknown,
  hint = 'Check the address: verger config list shows what is set.',
): VergerError {
  return new VergerError(
    'server_foreign',
    `Expected an answer of Verger at ${url}, received ${received}`,
    {
      hint,
      cause,
    },
  )
}

/** Fetch wraps what went wrong, and several tries of one name into one more. */
function deepestCause(error: unknown): { readonly code?: string; readonly message: string } {
  const { cause, errors, code, message } = error as Error & {
    readonly code?: string
    readonly errors?: readonly unknown[]
  }
  if (cause !== undefined) return deepestCause(cause)
  const [first] = errors ?? []
  if (first !== undefined) return deepestCause(first)
  return { message, ...(code === undefined ? {} : { code }) }
}
