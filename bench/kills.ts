/** A server is killed at random moments while versions are uploaded to it, its default moves and photos are kept. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256 } from '../dist/core/hashes.js'
import { createRandom } from '../dist/learn/random.js'
import { collectGarbage } from '../dist/registry/collect-garbage.js'
import { listCorrections } from '../dist/registry/corrections.js'
import { createRegistry } from '../dist/registry/registry.js'
import { openStore, type StoreConfig } from '../dist/store/store.js'
import { photoPath } from '../test/support/photos.ts'
import { runProgram, startServer, type TestServer } from '../test/support/server.ts'
import { ROOT } from './child.ts'
import { atMost, figure, type Measurement, median, quantile } from './measurement.ts'
import { ask, createSwitchHome, MODEL, PHOTOS, VERSIONS } from './switch-home.ts'

/** Every moment up to this is as likely: after the first request, or after a version was made, in turn. */
const KILLED_WITHIN_MS = 800
/** Where none is made within this time, the client says what is wrong. */
const MADE_WITHIN_MS = 30_000
const READY_MS = 1000
/** What a killed process left half written goes once it is older. */
const STALE_S = 25 * 60 * 60

export interface KillPlan {
  readonly kills: number
  /** Of the moments. */
  readonly seed: number
  /** Of a PostgreSQL that holds the registry; SQLite in a home without it. */
  readonly databaseUrl?: string
}

interface MadeVersion {
  readonly version: string
  /** Which of the two bundles it was made of. */
  readonly bundle: number
  /** Name → hash. */
  readonly files: Readonly<Record<string, string>>
}

/** A line of `bench/kill-client.mjs`. */
type Said =
  | MadeVersion
  | { readonly change: string; readonly to: string }
  | { readonly label: string }
  | { readonly gone: number; readonly faults: readonly string[] }

interface Change {
  readonly why: string
  readonly from?: string
  readonly to?: string
}

/** What the client was told that is done. */
class Acknowledged {
  readonly versions = new Map<string, MadeVersion>()
  readonly changes = new Map<string, string>()
  readonly labels = new Set<string>()
  readonly faults: string[] = []

  add(said: Said): void {
    if ('version' in said) this.versions.set(said.version, said)
    else if ('change' in said) this.changes.set(said.change, said.to)
    else if ('label' in said) this.labels.add(said.label)
    else this.faults.push(...said.faults)
  }
}

export async function* benchKills(plan: KillPlan): AsyncGenerator<Measurement> {
  const { kills, seed, databaseUrl } = plan
  const folder = mkdtempSync(join(tmpdir(), 'verger-kills-'))
  const home = await createSwitchHome(folder, databaseUrl)
  const { config } = home
  await home.close()
  const random = createRandom(seed)
  const acknowledged = new Acknowledged()
  const readyMs: number[] = []
  const start = async (): Promise<TestServer> => {
    const startMs = performance.now()
    const server = await startServer({ env: environmentOf(config) })
    readyMs.push(performance.now() - startMs)
    return server
  }
  let server = await start()
  const client = startClient(home.bundles, acknowledged)
  try {
    const known: string[] = []
    for (const version of VERSIONS) known.push(await answerOf(server, version))
    const check = createCheck(acknowledged, known)
    for (let kill = 0; kill < kills; kill++) {
      const gone = client.attack(kill, server)
      if (kill % 2 === 1) await Promise.race([client.versionMade(), sleep(MADE_WITHIN_MS)])
      await sleep(random.next() * KILLED_WITHIN_MS)
      await killNow(server.process)
      ;[server] = await Promise.all([start(), gone])
      await check.run(server)
    }
    await server.stop()
    const left = await checkAtRest(config, acknowledged)
    yield figure('kills', kills, '')
    yield figure('seed of their moments', seed, '')
    yield figure('versions acknowledged', acknowledged.versions.size, '')
    yield figure('  made without an answer, and whole', check.unasked, '')
    yield figure('switches acknowledged', acknowledged.changes.size, '')
    yield figure('photos whose keeping was acknowledged', acknowledged.labels.size, '')
    yield atMost('acknowledged and lost', check.faults.lost + left.lost, '', 0)
    yield atMost('visible and not whole', check.faults.broken + left.broken, '', 0)
    yield atMost('refused by a server that was there', acknowledged.faults.length, '', 0)
    for (const fault of [...check.said, ...left.said, ...acknowledged.faults].slice(0, 5)) {
      yield figure(`  ${fault}`, 1, '')
    }
    yield figure('half-written files that the kills left', left.halfWritten, '')
    yield atMost('  of them after verger gc a day later', left.stray, '', 0)
    yield atMost('files that nothing refers to, after it', left.unreferenced, '', 0)
    yield atMost('from start to ready, median', median(readyMs), 'ms', READY_MS)
    yield atMost('  99th percentile', quantile(readyMs, 0.99), 'ms', READY_MS)
    yield atMost('  the longest', Math.max(...readyMs), 'ms', READY_MS)
  } finally {
    await Promise.all([server.stop(), client.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}

const environmentOf = ({ home, databaseUrl }: StoreConfig) => ({
  VERGER_HOME: home,
  VERGER_LOG_LEVEL: 'fatal',
  ...(databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: databaseUrl }),
})

function startClient(bundles: readonly string[], acknowledged: Acknowledged) {
  const child = spawn(
    process.execPath,
    ['bench/kill-client.mjs', MODEL, photoPath(PHOTOS[0]), ...bundles],
    { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'close')
  const waiting = new Map<number, () => void>()
  let onVersion = () => {}
  createInterface(child.stdout).on('line', (line) => {
    const said = JSON.parse(line) as Said
    acknowledged.add(said)
    if ('gone' in said) waiting.get(said.gone)?.()
    if ('version' in said) onVersion()
  })
  return {
    /** Resolves once the server is gone and all that it acknowledged is known. */
    attack(round: number, { url }: TestServer): Promise<void> {
      child.stdin.write(`${round} ${url}\n`)
      return new Promise((resolve) => waiting.set(round, resolve))
    },
    /** Resolves once the server has acknowledged a further version. */
    versionMade: () =>
      new Promise<void>((resolve) => {
        onVersion = resolve
      }),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function killNow(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

const answerOf = async ({ url }: TestServer, version: string): Promise<string> =>
  JSON.stringify((await ask(url, PHOTOS[0], version)).top)

async function get(server: TestServer, path: string): Promise<Response> {
  const response = await fetch(`${server.url}/api/models/${MODEL}${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status}: ${await response.text()}`)
  return response
}

/** Holds a server that has just come back against what was acknowledged and was not looked at yet. */
function createCheck(acknowledged: Acknowledged, known: readonly string[]) {
  const faults = { lost: 0, broken: 0 }
  const said: string[] = []
  const seen = new Set<string>(VERSIONS)
  let changesSeen = 0
  const blame = (kind: keyof typeof faults, what: string) => {
    faults[kind]++
    said.push(what)
  }

  async function checkVersion(server: TestServer, name: string): Promise<void> {
    const made = acknowledged.versions.get(name)
    const path = `/versions/${name}`
    const { files } = (await (await get(server, path)).json()) as Pick<MadeVersion, 'files'>
    for (const [file, hash] of Object.entries(made?.files ?? files)) {
      const bytes = await (await get(server, `${path}/files/${file}`)).arrayBuffer()
      if (sha256(Buffer.from(bytes)) !== hash) throw new Error(`${file} of ${name} is another`)
    }
    // Its name ends with the number of its bundle.
    if ((await answerOf(server, name)) !== known[Number(name.at(-1))]) {
      throw new Error(`${name} answers otherwise than its bundle`)
    }
  }

  async function checkVersions(server: TestServer): Promise<void> {
    const listed = (await (await get(server, '/versions')).json()) as { readonly name: string }[]
    const names = new Set(listed.map(({ name }) => name))
    const unseen = [...names, ...acknowledged.versions.keys()].filter((name) => !seen.has(name))
    for (const name of new Set(unseen)) {
      seen.add(name)
      if (!names.has(name)) blame('lost', `${name} is lost`)
      else await checkVersion(server, name).catch((error: Error) => blame('broken', error.message))
    }
  }

  /** Every switch stands in the history, each where the one before it ended, and the last one answers. */
  async function checkDefault(server: TestServer): Promise<void> {
    const changes = (await (await get(server, '/history')).json()) as Change[]
    const reasons = new Set(changes.map(({ why }) => why))
    for (const change of [...acknowledged.changes.keys()].slice(changesSeen)) {
      if (!reasons.has(change)) blame('lost', `the switch ${change} is lost`)
    }
    changesSeen = acknowledged.changes.size
    for (const [index, { from }] of changes.entries()) {
      if (from !== changes[index + 1]?.to) blame('broken', `the history is broken at ${from}`)
    }
    const { version } = await ask(server.url, PHOTOS[0])
    if (version !== changes[0]?.to) blame('lost', `${version} answers, not ${changes[0]?.to}`)
  }

  return {
    faults,
    said,
    /** Versions that were made and not acknowledged. */
    get unasked() {
      const isMine = (name: string) => name.startsWith('k') && !acknowledged.versions.has(name)
      return [...seen].filter(isMine).length
    },
    async run(server: TestServer): Promise<void> {
      await checkVersions(server)
      await checkDefault(server)
    },
  }
}

/** What lies there once the last server has ended, a day later. */
async function checkAtRest(config: StoreConfig, acknowledged: Acknowledged) {
  const said: string[] = []
  const store = await openStore(config)
  const registry = createRegistry(store)
  let [lost, broken, unreferenced] = [0, 0, 0]
  try {
    const versions = new Map((await registry.listVersions(MODEL)).map((each) => [each.name, each]))
    for (const { version, files } of acknowledged.versions.values()) {
      const there = versions.get(version)
      if (there === undefined) lost++
      else if (JSON.stringify(sorted(there.files)) !== JSON.stringify(sorted(files))) broken++
    }
    const corrections = await listCorrections(store, MODEL)
    const labels = new Set(corrections.map(({ label }) => label))
    for (const label of acknowledged.labels) if (!labels.has(label)) lost++
    const hashes = [...versions.values()].flatMap(({ files }) => Object.values(files))
    const photos = corrections.map(({ photoSha256 }) => photoSha256)
    for (const hash of new Set([...hashes, ...photos])) {
      await store.blobs.get(hash).catch((error: Error) => {
        broken++
        said.push(error.message)
      })
    }
    await collectGarbage(store, { graceMs: 0 })
    const kept = new Set([...hashes, ...photos])
    for await (const { sha256: hash } of store.blobs.list()) if (!kept.has(hash)) unreferenced++
  } finally {
    await store.close()
  }
  const halfWritten = listHalfWritten(config.home)
  const before = Date.now() / 1000 - STALE_S
  for (const path of halfWritten) {
    for (const each of [path, dirname(path)]) utimesSync(each, before, before)
  }
  const { exitCode } = await runProgram(['gc'], environmentOf(config))
  if (exitCode !== 0) throw new Error(`Expected verger gc to end well, it ended with ${exitCode}`)
  const stray = listHalfWritten(config.home).length
  return { lost, broken, said, unreferenced, halfWritten: halfWritten.length, stray }
}

const sorted = (files: Readonly<Record<string, string>>) => Object.entries(files).sort()

/** Files of a home that are neither the database nor a blob. */
function listHalfWritten(home: string): string[] {
  const paths = readdirSync(home, { recursive: true }).map(String)
  return paths
    .filter((path) => lstatSync(join(home, path)).isFile())
    .filter((path) => !/^(verger\.db(-wal|-shm)?|blobs\/[0-9a-f]{2}\/[0-9a-f]{62})$/.test(path))
    .map((path) => join(home, path))
}
