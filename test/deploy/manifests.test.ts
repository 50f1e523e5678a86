/** The compose file and the Kubernetes manifests, held against the schemas of those who read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DEFAULT_PORT, readConfig, SETTINGS } from '../../src/core/config.ts'
import { findTool, runTool } from '../support/deploy-tools.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url))
const KUBERNETES = join(DEPLOY, 'kubernetes')
const MANIFESTS = readdirSync(KUBERNETES).filter((name) => name !== 'kustomization.yaml')
const read = (path: string) => parse(readFileSync(join(DEPLOY, path), 'utf8'))

/** Seconds that a request may take from its first byte to its answer. */
const { receiveTimeoutMs, deadlineMs } = readConfig({}).limits
const REQUEST_S = (receiveTimeoutMs + deadlineMs) / 1000

const KNOWN = new Set<string>(SETTINGS.map(({ name }) => name))
const settingsIn = (names: readonly string[]) => names.filter((name) => name.startsWith('VERGER_'))

describe('compose.yaml', () => {
  const file = join(DEPLOY, 'compose.yaml')
  const { services } = read('compose.yaml')

  test.skipIf(findTool('check-jsonschema') === undefined)('follows the Compose schema', () => {
    expect(
      runTool('check-jsonschema', ['--builtin-schema', 'vendor.compose-spec', file]),
    ).toContain('ok')
  })

  test('sets settings that there are', () => {
    const names = settingsIn(Object.keys(services.verger.environment))
    expect(names.filter((name) => !KNOWN.has(name))).toEqual([])
    expect(names.length).toBeGreaterThan(2)
  })

  test('lets requests end before the server is killed', () => {
    expect(Number.parseInt(services.verger.stop_grace_period, 10)).toBeGreaterThan(REQUEST_S)
  })

  test('opens the port of the server to this machine alone', () => {
    expect(services.verger.ports).toEqual([`127.0.0.1:${DEFAULT_PORT}:${DEFAULT_PORT}`])
  })
})

describe('the Kubernetes manifests', () => {
  test.skipIf(findTool('kubernetes-validate') === undefined).each(MANIFESTS)(
    '%s follows the schema of the API',
    (name) => {
      runTool('kubernetes-validate', ['--strict', join(KUBERNETES, name)])
    },
  )

  test('are all in the kustomization', () => {
    expect(read('kubernetes/kustomization.yaml').resources.sort()).toEqual(MANIFESTS.sort())
  })

  test.skipIf(findTool('kubectl') === undefined)('are built by kubectl kustomize', () => {
    const built = runTool('kubectl', ['kustomize', KUBERNETES])
    expect(built.match(/^kind: /gm)).toHaveLength(MANIFESTS.length)
    expect(built).toMatch(/image: verger:\d/)
  })

  test('set settings that there are', () => {
    const names = settingsIn(Object.keys(read('kubernetes/config-map.yaml').data))
    expect(names.filter((name) => !KNOWN.has(name))).toEqual([])
  })

  test('let requests end before a server is killed, and after nobody sends it any', () => {
    const { spec } = read('kubernetes/deployment.yaml').spec.template
    const [{ lifecycle }] = spec.containers
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(
      REQUEST_S + lifecycle.preStop.sleep.seconds,
    )
  })

  test('ask ports that the server has', () => {
    const [{ ports, args }] = read('kubernetes/deployment.yaml').spec.template.spec.containers
    const port = (name: string) =>
      ports.find((each: { name: string }) => each.name === name).containerPort
    expect(port('http')).toBe(DEFAULT_PORT)
    expect(args[args.indexOf('--grpc-port') + 1]).toBe(String(port('grpc')))
  })

  test('scale on a metric that the server has', () => {
    const [{ pods }] = read('kubernetes/autoscaler.yaml').spec.metrics
    expect(pods.metric.name).toBe('verger_photos_waiting')
  })
})
