/** The default moves between two versions while a second process asks as fast as it gets answers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer, type TestServer } from '../test/support/server.ts'
import { ROOT } from './child.ts'
import { atMost, figure, type Measurement, median, quantile } from './measurement.ts'
import {
  ask,
  createSwitchHome,
  PHOTOS,
  type SwitchHome,
  switchTo,
  VERSIONS,
  writeClientPlan,
} from './switch-home.ts'

export interface SwitchingPlan {
  readonly switches: number
  readonly servers: 1 | 2
  /** Of a PostgreSQL that the servers share; SQLite in a home without it. */
  readonly databaseUrl?: string
  /** How long the load runs without a switch, for comparison. */
  readonly calmMs: number
}

interface Counted {
  readonly answers: number
  readonly failed: number
  readonly mixed: number
  readonly versions: Readonly<Record<string, number>>
  readonly latenciesMs: readonly number[]
  readonly faults: readonly string[]
}

const CONNECTIONS = 8
/** Between two switches, so that answers of both versions are seen. */
const PAUSE_MS = 20
/** A version comes or goes once in so many switches. */
const RECREATE_EVERY = 5
/** Longest time in which a switch must have reached every server. */
const REACH_MS = 1000
/** From the start of the servers to the first request. */
const SETTLE_MS = 5000
/** From the last answer to a figure of memory. */
const REST_MS = 5000

export async function* benchSwitching(plan: SwitchingPlan): AsyncGenerator<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-switch-'))
  const home = await createSwitchHome(folder, plan.databaseUrl)
  const servers: TestServer[] = []
  let client: ChildProcess | undefined
  try {
    for (let count = 0; count < plan.servers; count++) servers.push(await start(plan, home))
    const urls = servers.map(({ url }) => url)
    const clientPlan = await writeClientPlan(folder, home, urls, CONNECTIONS)
    client = spawn(process.execPath, ['bench/switch-client.mjs', clientPlan], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const load = controlLoad(client)
    await sleep(Math.min(SETTLE_MS, plan.calmMs))
    load.begin()
    await sleep(plan.calmMs)
    const calm = await load.end()
    const before = await memoryAtRest(servers, plan)
    load.begin()
    const moved = await moveDefault(plan, home, urls)
    const switching = await load.end()
    const after = await memoryAtRest(servers, plan)
    for (const fault of [...calm.faults, ...switching.faults]) console.error(`  ${fault}`)

    yield figure('answers while the default moved', switching.answers, '')
    for (const version of VERSIONS) {
      yield figure(`answers by version ${version}`, switching.versions[version] ?? 0, '')
    }
    yield figure('switches', plan.switches, '')
    yield figure('versions deleted and made anew', moved.recreated, '')
    yield atMost('failed answers', calm.failed + switching.failed, '', 0)
    yield atMost('mixed answers', calm.mixed + switching.mixed, '', 0)
    yield atMost('answers by the old default', moved.stale, '', 0)
    yield atMost('switch of a loaded version, preparation, median', median(moved.tookMs), 'ms', 5)
    yield figure('PUT of a switch, median', median(moved.requestMs), 'ms')
    if (plan.servers > 1) {
      yield figure('until the other server answers with it, median', median(moved.reachedMs), 'ms')
      yield atMost('  the longest', Math.max(...moved.reachedMs), 'ms', REACH_MS)
    }
    const [calmP99, switchingP99] = [calm, switching].map(({ latenciesMs }) =>
      quantile(latenciesMs, 0.99),
    ) as [number, number]
    yield figure('99th percentile without switches', calmP99, 'ms')
    yield figure('99th percentile while the default moved', switchingP99, 'ms')
    yield atMost('ratio', switchingP99 / calmP99, '×', 1.5)
    yield figure('memory before', before, 'MB')
    yield figure('memory after', after, 'MB')
    yield atMost('difference', (100 * Math.abs(after - before)) / before, '%', 5)
  } finally {
    client?.stdin?.end()
    if (client !== undefined && client.exitCode === null) await once(client, 'exit')
    await Promise.all(servers.map((server) => server.stop()))
    await home.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function start({ servers }: SwitchingPlan, { config }: SwitchHome): Promise<TestServer> {
  return startServer({
    env: {
      VERGER_HOME: config.home,
      VERGER_LOG_LEVEL: 'error',
      ...(config.databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: config.databaseUrl }),
      ...(servers === 1 ? {} : { VERGER_WORKERS: '1' }),
    },
  })
}

function controlLoad(client: ChildProcess) {
  const { stdin, stdout } = client
  if (stdin === null || stdout === null) throw new Error('Expected pipes to the client')
  const lines = createInterface(stdout)
  return {
    begin: () => void stdin.write('begin\n'),
    async end(): Promise<Counted> {
      const line = once(lines, 'line')
      stdin.write('end\n')
      const [text] = (await line) as [string]
      return JSON.parse(text) as Counted
    },
  }
}

async function moveDefault({ switches }: SwitchingPlan, home: SwitchHome, urls: readonly string[]) {
  const tookMs: number[] = []
  const requestMs: number[] = []
  const reachedMs: number[] = []
  /** Answers by the old default to who asked after the switch was acknowledged. */
  let stale = 0
  let recreated = 0
  for (let round = 0; round < switches; round++) {
    const to = VERSIONS[(round + 1) % 2] ?? 'one'
    const place = round % urls.length
    const [url = '', ...others] = [...urls.slice(place), ...urls.slice(0, place)]
    const startMs = performance.now()
    tookMs.push(await switchTo(url, to))
    requestMs.push(performance.now() - startMs)
    if ((await ask(url, PHOTOS[0])).version !== to) stale++
    for (const other of others) reachedMs.push(await waitFor(other, to))
    if (round % RECREATE_EVERY === 0) {
      const version = await home.recreateOther(recreated++)
      await ask(url, PHOTOS[0], version)
    }
    await sleep(PAUSE_MS)
  }
  return { tookMs, requestMs, reachedMs, stale, recreated }
}

/** Milliseconds until a server answers with a version. */
async function waitFor(url: string, version: string): Promise<number> {
  const startMs = performance.now()
  for (;;) {
    const { version: answering } = await ask(url, PHOTOS[0])
    const elapsedMs = performance.now() - startMs
    if (answering === version || elapsedMs > 10 * REACH_MS) return elapsedMs
  }
}

/** Megabytes that the servers hold once they have come to rest: an engine gives some back when nobody asks. */
async function memoryAtRest(servers: readonly TestServer[], plan: SwitchingPlan): Promise<number> {
  await sleep(Math.min(REST_MS, plan.calmMs))
  const kilobytes = servers.map(({ process: { pid } }) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
  )
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024
}
