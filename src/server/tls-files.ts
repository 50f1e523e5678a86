/** A certificate and its key in two files that somebody renews while the server runs. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Logger } from 'pino'
import type { TlsConfig } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'

export interface TlsPair {
  /** PEM: the certificate of the server, then those up to its issuer. */
  readonly cert: Buffer
  /** PEM. */
  readonly key: Buffer
}

export interface TlsFiles {
  /** The newest pair that could be used. */
  readonly pair: TlsPair
  /** Calls back with each new pair. */
  onChange(use: (pair: TlsPair) => void): void
  /** Reads the files now; a pair that cannot be used is logged, and the old one stays. */
  reload(): Promise<void>
  close(): void
}

/** Looking at the bytes finds every way of renewing: files that are replaced, links that are turned, mounts that change. */
const LOOK_MS = 2000

/** Reads the pair and looks for a new one while it is open. Throws `config_invalid` where the first cannot be used. */
export async function openTlsFiles(config: TlsConfig, logger: Logger): Promise<TlsFiles> {
  let pair = await readPair(config)
  let seen = hashOf(pair)
  const listeners: ((pair: TlsPair) => void)[] = []
  checkPair(pair, config)
  logger.info(describe(pair), 'certificate loaded')

  async function reload(): Promise<void> {
    try {
      const next = await readPair(config)
      if (hashOf(next) === seen) return
      seen = hashOf(next)
      checkPair(next, config)
      pair = next
      for (const use of listeners) use(pair)
      logger.info(describe(pair), 'certificate renewed')
    } catch (error) {
      logger.error({ err: error }, 'certificate not renewed, the old one stays')
    }
  }

  const timer = setInterval(() => void reload(), LOOK_MS).unref()
  return {
    get pair() {
      return pair
    },
    onChange: (use) => listeners.push(use),
    reload,
    close: () => clearInterval(timer),
  }
}

async function readPair({ certFile, keyFile }: TlsConfig): Promise<TlsPair> {
  const [cert, key] = await Promise.all([
    read(certFile, 'VERGER_TLS_CERT'),
    read(keyFile, 'VERGER_TLS_KEY'),
  ])
  return { cert, key }
}

async function read(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw unusable(
      `Expected ${setting} to name a file, received ${(error as Error).message}`,
      error,
    )
  }
}

/** Throws where the files are of no such form, or do not belong together. */
function checkPair(pair: TlsPair, { certFile, keyFile }: TlsConfig): void {
  try {
    createSecureContext(pair)
  } catch (error) {
    throw unusable(
      `Expected a certificate in ${certFile} and its own key in ${keyFile}, both PEM, received ${(error as Error).message}`,
      error,
    )
  }
}

const unusable = (message: string, cause: unknown): VergerError =>
  new VergerError('config_invalid', message, {
    hint: 'openssl x509 -in CERT -noout -text shows what a certificate holds.',
    cause,
  })

const hashOf = ({ cert, key }: TlsPair): string =>
  createHash('sha256').update(cert).update('\n').update(key).digest('hex')

function describe({ cert }: TlsPair) {
  const { subject, subjectAltName, validTo } = new X509Certificate(cert)
  return { subject, names: subjectAltName, validTo }
}
