/** The only reader of environment variables. Every setting, its default and its meaning stand in one table. */
import { availableParallelism, homedir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { VergerError } from './errors.ts'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Config {
  /** Folder that holds everything embedded. */
  readonly home: string
  /** PostgreSQL that holds the registry; SQLite in the home where there is none. */
  readonly databaseUrl: string | undefined
  /** Bucket that holds files by their hash; a folder in the home where there is none. */
  readonly blobsUrl: string | undefined
  readonly token: string | undefined
  /** Verger that commands ask instead of the home. */
  readonly server: string | undefined
  /** Files of the certificate and key with which the server speaks TLS. */
  readonly tls: TlsConfig | undefined
  /** Origins whose pages may ask. */
  readonly corsOrigins: readonly string[]
  /** Ports to which the URLs of photos may lead; none where photos are not fetched by URL. */
  readonly urlPorts: readonly number[]
  readonly logLevel: LogLevel
  /** Where traces are sent; none are made where there is nothing. */
  readonly traces: TracesConfig | undefined
  /** Worker threads that decode and infer. */
  readonly workers: number
  /** Where the weights that `verger backbones pull` gets lie; ends with a slash. */
  readonly weightsUrl: string
  readonly limits: Limits
}

export interface TlsConfig {
  readonly certFile: string
  readonly keyFile: string
}

export interface TracesConfig {
  /** URL that takes spans by OTLP over HTTP. */
  readonly endpoint: string
  /** Under which name they appear. */
  readonly serviceName: string
}

/** What one photo and one request may cost. */
export interface Limits {
  /** Largest photo in bytes. */
  readonly photoBytes: number
  /** Largest photo in pixels (width × height), checked before any row is decoded. */
  readonly photoPixels: number
  /** Most photos in one request. */
  readonly requestPhotos: number
  /** Largest request body in bytes. */
  readonly requestBytes: number
  /** Time for a request to arrive in full. */
  readonly receiveTimeoutMs: number
  /** Time from the last byte of a request to its answer. */
  readonly deadlineMs: number
  /** Photos that may wait for a worker. */
  readonly queuedPhotos: number
  /** Bytes of request bodies held at once. */
  readonly queuedBytes: number
  /** Memory that loaded versions and backbones may take. */
  readonly loadedBytes: number
}

/** Labels per photo where nobody says how many. */
export const DEFAULT_TOP = 5

/** Port of `verger up`. */
export const DEFAULT_PORT = 4400

const MiB = 1024 * 1024

/** One row per variable, in the order of the reference page. */
export const SETTINGS = [
  { name: 'VERGER_HOME', default: '~/.verger', meaning: 'Folder that holds everything embedded.' },
  {
    name: 'VERGER_DATABASE_URL',
    default: 'none',
    meaning:
      'PostgreSQL that holds the registry, for several servers: `postgres://user:password@host/database`; without one it is `verger.db` in VERGER_HOME.',
  },
  {
    name: 'VERGER_BLOBS_URL',
    default: 'none',
    meaning:
      'Bucket that holds the files of versions: `s3://bucket/prefix` or `gs://bucket/prefix`; without one they lie in VERGER_HOME/blobs.',
  },
  {
    name: 'VERGER_TOKEN',
    default: 'none',
    meaning:
      'Token that HTTP clients must send as `Authorization: Bearer …`; needed for any address but loopback.',
  },
  {
    name: 'VERGER_SERVER',
    default: 'none',
    meaning:
      'Address of the Verger that `models`, `versions` and `predict` ask, as `--server` names it; VERGER_TOKEN is what they send.',
  },
  {
    name: 'VERGER_TLS_CERT',
    default: 'none',
    meaning:
      'File of the certificate in PEM, with those up to its issuer; the server then speaks TLS, and takes a renewed one within seconds.',
  },
  {
    name: 'VERGER_TLS_KEY',
    default: 'none',
    meaning: 'File of the key of the certificate in PEM.',
  },
  {
    name: 'VERGER_CORS_ORIGINS',
    default: 'none',
    meaning:
      'Origins whose pages may ask this server, separated by commas, e.g. `https://app.example.com`.',
  },
  {
    name: 'VERGER_ALLOW_URLS',
    default: 'none',
    meaning:
      'Ports from which photos are fetched that a request names by URL, e.g. `443` or `80,443`; never from private addresses.',
  },
  {
    name: 'VERGER_LOG_LEVEL',
    default: 'info',
    meaning: `Least severe log line that is written: ${LOG_LEVELS.join(', ')}.`,
  },
  {
    name: 'VERGER_WORKERS',
    default: 'one per core',
    meaning: 'Worker threads that decode and infer; about 150 MB of memory each.',
  },
  {
    name: 'VERGER_WEIGHTS_URL',
    default: 'https://storage.googleapis.com/tensorflow/keras-applications/',
    meaning:
      'Where `verger backbones pull` looks for weights: a mirror that keeps the paths of the Keras project.',
  },
  { name: 'VERGER_MAX_PHOTO_BYTES', default: String(64 * MiB), meaning: 'Largest photo in bytes.' },
  {
    name: 'VERGER_MAX_PHOTO_PIXELS',
    default: '100000000',
    meaning: 'Largest photo in pixels (width × height).',
  },
  { name: 'VERGER_MAX_REQUEST_PHOTOS', default: '256', meaning: 'Most photos in one request.' },
  {
    name: 'VERGER_MAX_REQUEST_BYTES',
    default: String(128 * MiB),
    meaning: 'Largest request body in bytes.',
  },
  {
    name: 'VERGER_RECEIVE_TIMEOUT_MS',
    default: '30000',
    meaning: 'Milliseconds within which a request must have arrived in full.',
  },
  {
    name: 'VERGER_DEADLINE_MS',
    default: '30000',
    meaning: 'Milliseconds from the last byte of a request to its answer.',
  },
  {
    name: 'VERGER_MAX_QUEUED_PHOTOS',
    default: '1024',
    meaning:
      'Photos that may wait for one backbone; further ones are answered 503, or 429 where their model has more than its share.',
  },
  {
    name: 'VERGER_MAX_QUEUED_BYTES',
    default: String(512 * MiB),
    meaning: 'Bytes of request bodies held in memory at once; further ones are answered 503.',
  },
  {
    name: 'VERGER_MAX_LOADED_BYTES',
    default: 'half of the memory',
    meaning:
      'Memory that loaded versions and backbones may take; beyond it, what was not used longest is unloaded until it is asked for again.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    default: 'none',
    meaning:
      'OpenTelemetry collector that takes traces by OTLP over HTTP, such as http://collector:4318; no traces without it. `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and the other variables of the OpenTelemetry SDK hold too.',
  },
  {
    name: 'OTEL_SERVICE_NAME',
    default: 'verger',
    meaning: 'Name under which the traces of this server appear.',
  },
] as const

type SettingName = (typeof SETTINGS)[number]['name']

export const SERVER_URL_FORM = 'an http or https URL such as http://127.0.0.1:4400'

/** The address of a server without what may stand behind it; undefined where it is none. */
export function parseServerUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined
  return url.href.replace(/\/+$/, '')
}

/** Reads the settings from `env`. Throws `config_invalid` naming every variable that has an unusable value. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const faults: string[] = []
  const text = (name: SettingName) => env[name]?.trim() || undefined
  const defaultOf = (name: SettingName) =>
    SETTINGS.find((setting) => setting.name === name)?.default ?? ''
  const readUrl = (name: SettingName): string => {
    const value = text(name) ?? defaultOf(name)
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) {
      return url.href.replace(/\/*$/, '/')
    }
    faults.push(`${name} must be an http or https URL, received '${value}'`)
    return defaultOf(name)
  }
  const positive = (name: SettingName, fallback?: number): number => {
    const value = text(name)
    if (value === undefined) return fallback ?? Number(defaultOf(name))
    const number = Number(value)
    if (Number.isSafeInteger(number) && number > 0) return number
    faults.push(`${name} must be a whole number above 0, received '${value}'`)
    return 1
  }
  const ofScheme = (name: SettingName, ...schemes: string[]): string | undefined => {
    const value = text(name)
    if (value === undefined || schemes.some((scheme) => value.startsWith(scheme))) return value
    // The value may hold a password.
    faults.push(`${name} must be a URL that starts with ${schemes.join(' or ')}, received another`)
    return undefined
  }
  const list = (name: SettingName) =>
    (text(name) ?? '').split(',').flatMap((each) => each.trim() || [])
  const corsOrigins = list('VERGER_CORS_ORIGINS')
  for (const origin of corsOrigins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue
    faults.push(
      `VERGER_CORS_ORIGINS must be origins such as https://app.example.com, received '${origin}'`,
    )
  }
  const urlPorts = list('VERGER_ALLOW_URLS').map(Number)
  if (!urlPorts.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) {
    faults.push(
      `VERGER_ALLOW_URLS must be ports such as 80,443, received '${text('VERGER_ALLOW_URLS')}'`,
    )
  }
  const [certFile, keyFile] = [text('VERGER_TLS_CERT'), text('VERGER_TLS_KEY')]
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const [lone, other] = certFile === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY']
    faults.push(`VERGER_TLS_${other} must be set beside VERGER_TLS_${lone}, received none`)
  }
  const weightsUrl = readUrl('VERGER_WEIGHTS_URL')
  const server = text('VERGER_SERVER')
  if (server !== undefined && parseServerUrl(server) === undefined) {
    faults.push(`VERGER_SERVER must be ${SERVER_URL_FORM}, received '${server}'`)
  }
  const logLevel = (text('VERGER_LOG_LEVEL') ?? 'info') as LogLevel
  if (!LOG_LEVELS.includes(logLevel)) {
    faults.push(`VERGER_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, received '${logLevel}'`)
  }
  const config: Config = {
    home: resolve(text('VERGER_HOME') ?? join(homedir(), '.verger')),
    databaseUrl: ofScheme('VERGER_DATABASE_URL', 'postgres://', 'postgresql://'),
    blobsUrl: ofScheme('VERGER_BLOBS_URL', 's3://', 'gs://'),
    token: text('VERGER_TOKEN'),
    server: server && parseServerUrl(server),
    tls:
      certFile === undefined || keyFile === undefined
        ? undefined
        : { certFile: resolve(certFile), keyFile: resolve(keyFile) },
    corsOrigins,
    urlPorts,
    logLevel,
    traces:
      text('OTEL_EXPORTER_OTLP_ENDPOINT') === undefined
        ? undefined
        : {
            endpoint: `${readUrl('OTEL_EXPORTER_OTLP_ENDPOINT')}v1/traces`,
            serviceName: text('OTEL_SERVICE_NAME') ?? defaultOf('OTEL_SERVICE_NAME'),
          },
    workers: positive('VERGER_WORKERS', availableParallelism()),
    weightsUrl,
    limits: {
      photoBytes: positive('VERGER_MAX_PHOTO_BYTES'),
      photoPixels: positive('VERGER_MAX_PHOTO_PIXELS'),
      requestPhotos: positive('VERGER_MAX_REQUEST_PHOTOS'),
      requestBytes: positive('VERGER_MAX_REQUEST_BYTES'),
      receiveTimeoutMs: positive('VERGER_RECEIVE_TIMEOUT_MS'),
      deadlineMs: positive('VERGER_DEADLINE_MS'),
      queuedPhotos: positive('VERGER_MAX_QUEUED_PHOTOS'),
      queuedBytes: positive('VERGER_MAX_QUEUED_BYTES'),
      loadedBytes: positive('VERGER_MAX_LOADED_BYTES', Math.floor(memoryBytes() / 2)),
    },
  }
  if (faults.length > 0) {
    throw new VergerError('config_invalid', faults.join('; '), {
      hint: 'docs/reference/config.md lists every setting with its default.',
    })
  }
  return config
}

/** Of the machine, or what a container may have of it. */
function memoryBytes(): number {
  const allowed = process.constrainedMemory()
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
}

/**
 * Keeps ONNX Runtime to itself. Its builds report usage to their maker, with an id that they keep in the home folder, unless
 * this is set when a process makes its first session (onnxruntime/core/platform/posix/telemetry.cc).
 *
 * To be called before, on the main thread: threads have a copy of the environment, of which native code knows nothing.
 */
export function refuseTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1'
}
