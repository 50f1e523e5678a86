import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig, SETTINGS } from './config.ts'
import { VergerError } from './errors.ts'

function faultOf(env: Record<string, string>): VergerError {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('the settings were accepted')
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      home: join(homedir(), '.verger'),
      token: undefined,
      tls: undefined,
      corsOrigins: [],
      urlPorts: [],
      weightsUrl: 'https://storage.googleapis.com/tensorflow/keras-applications/',
      logLevel: 'info',
      workers: availableParallelism(),
      limits: {
        photoBytes: 64 * 1024 * 1024,
        photoPixels: 100_000_000,
        requestPhotos: 256,
        requestBytes: 128 * 1024 * 1024,
        receiveTimeoutMs: 30_000,
        deadlineMs: 30_000,
        queuedPhotos: 1024,
        queuedBytes: 512 * 1024 * 1024,
        loadedBytes: expect.any(Number),
      },
    })
  })

  it('takes each setting from its variable', () => {
    const config = readConfig({
      VERGER_HOME: 'orchard',
      VERGER_TOKEN: ' secret ',
      VERGER_LOG_LEVEL: 'warn',
      VERGER_WORKERS: '3',
      VERGER_DEADLINE_MS: '1500',
    })
    expect(config).toMatchObject({
      home: resolve('orchard'),
      token: 'secret',
      logLevel: 'warn',
      workers: 3,
      limits: { deadlineMs: 1500 },
    })
  })

  it('takes where traces go from the variables of OpenTelemetry', () => {
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }).traces).toEqual({
      endpoint: 'http://collector:4318/v1/traces',
      serviceName: 'verger',
    })
    expect(
      readConfig({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://example.org/otlp/',
        OTEL_SERVICE_NAME: 'orchard',
      }).traces,
    ).toEqual({ endpoint: 'https://example.org/otlp/v1/traces', serviceName: 'orchard' })
    expect(faultOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }).message).toBe(
      "OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, received 'collector'",
    )
  })

  it('treats a blank variable as absent', () => {
    expect(readConfig({ VERGER_WORKERS: ' ', VERGER_TOKEN: '' })).toEqual(readConfig({}))
  })

  it.each([
    ['a word', 'many'],
    ['zero', '0'],
    ['a negative number', '-2'],
    ['a fraction', '1.5'],
    ['more than a whole number holds', '9007199254740993'],
    ['infinity', 'Infinity'],
  ])('refuses %s where a count is needed', (_words, value) => {
    const { code, message } = faultOf({ VERGER_WORKERS: value })
    expect(code).toBe('config_invalid')
    expect(message).toBe(`VERGER_WORKERS must be a whole number above 0, received '${value}'`)
  })

  it('takes the files of TLS together, from where the program was started', () => {
    const env = { VERGER_TLS_CERT: 'c.pem', VERGER_TLS_KEY: '/k.pem' }
    expect(readConfig(env).tls).toEqual({ certFile: resolve('c.pem'), keyFile: '/k.pem' })
  })

  it.each(['CERT', 'KEY'])('refuses the %s of TLS alone', (lone) => {
    const { message } = faultOf({ [`VERGER_TLS_${lone}`]: 'a.pem' })
    expect(message).toMatch(new RegExp(`must be set beside VERGER_TLS_${lone}, received none`))
  })

  it('takes lists of origins and ports', () => {
    expect(
      readConfig({
        VERGER_CORS_ORIGINS: 'https://a.example, http://localhost:5173',
        VERGER_ALLOW_URLS: '80, 443',
      }),
    ).toMatchObject({
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      urlPorts: [80, 443],
    })
  })

  it.each(['*', 'https://a.example/', 'https://a.example/path', 'a.example', 'null'])(
    'refuses the origin %s',
    (origin) => {
      expect(faultOf({ VERGER_CORS_ORIGINS: origin }).message).toContain(`received '${origin}'`)
    },
  )

  it.each(['on', '0', '65536', '443.5', '-1'])('refuses the port %s', (port) => {
    expect(faultOf({ VERGER_ALLOW_URLS: port }).message).toContain(`received '${port}'`)
  })

  it('names every fault in one error', () => {
    const anything = /_(?:HOME|TOKEN|TLS_CERT|TLS_KEY|SERVICE_NAME)$/
    const numbers = SETTINGS.map(({ name }) => name).filter((name) => !anything.test(name))
    const { message } = faultOf(Object.fromEntries(numbers.map((name) => [name, 'nonsense'])))
    for (const name of numbers) expect(message).toContain(`${name} must be`)
  })
})
