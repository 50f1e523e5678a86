/** Metrics, alerts and the dashboard, held against Prometheus's own checks and against what a server really tells. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findTool, runTool } from '../support/deploy-tools.ts'
import { get, predict } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url))
const ALERTS = join(DEPLOY, 'prometheus/alerts.yaml')
const DASHBOARD = join(DEPLOY, 'grafana/dashboard.json')
const hasPromtool = findTool('promtool') !== undefined

let home: ModelHome
let server: TestServer
let scraped: string
beforeAll(async () => {
  home = await createModelHome()
  server = await startServer({ env: { VERGER_HOME: home.path } })
  await predict(server.url, readPhoto('baseline.jpg'), {
    type: 'image/jpeg',
    query: 'model=fruits',
  })
  scraped = (await get(`${server.url}/metrics`)).text
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

/** Names of metrics of ours in queries, without the endings of a histogram's series. */
function metricsIn(text: string): string[] {
  const names = text.match(/\bverger_\w+/g) ?? []
  return [...new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')))]
}

const told = () => new Set(scraped.match(/(?<=^# TYPE )\S+/gm))

test.skipIf(!hasPromtool)('promtool finds nothing in what a server tells', () => {
  expect(runTool('promtool', ['check', 'metrics'], scraped)).toBe('')
})

describe('alerts', () => {
  test.skipIf(!hasPromtool)('are rules that Prometheus reads', () => {
    expect(runTool('promtool', ['check', 'rules', ALERTS])).toContain('SUCCESS')
  })

  test.skipIf(!hasPromtool)('fire when they should, and only then', () => {
    expect(
      runTool('promtool', ['test', 'rules', join(DEPLOY, 'prometheus/alerts.test.yaml')]),
    ).toContain('SUCCESS')
  })

  test('ask for metrics that there are, and say what to do', () => {
    const { groups } = parse(readFileSync(ALERTS, 'utf8'))
    for (const { rules } of groups) {
      for (const { alert, expr, annotations } of rules) {
        expect(metricsIn(expr).filter((name) => !told().has(name))).toEqual([])
        expect(annotations.summary, alert).toBeTypeOf('string')
        expect(annotations.description, alert).toBeTypeOf('string')
      }
    }
  })
})

describe('the dashboard', () => {
  interface Panel {
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }
  const panels: readonly Panel[] = JSON.parse(readFileSync(DASHBOARD, 'utf8')).panels
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

  test('asks for metrics that there are', () => {
    expect(queries.length).toBeGreaterThan(10)
    expect(metricsIn(queries.join('\n')).filter((name) => !told().has(name))).toEqual([])
  })

  test.skipIf(!hasPromtool)('asks in a way that Prometheus understands', () => {
    // promtool reads queries as recording rules alone.
    const rules = queries.map((expr, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$model', '.*'),
    }))
    const file = join(home.path, 'dashboard-rules.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(runTool('promtool', ['check', 'rules', file])).toContain('SUCCESS')
  })
})
