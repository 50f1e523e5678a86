/** A server and a process that uploads are killed at random moments; what they acknowledged is there afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { listCorrections } from '../dist/registry/corrections.js'
import { createRegistry } from '../dist/registry/registry.js'
import { openStore } from '../dist/store/store.js'
import { readPhoto } from '../test/support/photos.ts'
import { startServer, type TestServer } from '../test/support/server.ts'
import { ROOT } from './child.ts'
import { atMost, figure, type Measurement, median } from './measurement.ts'
import { ask, createSwitchHome, MODEL, PHOTOS, switchTo, VERSIONS } from './switch-home.ts'

/** Longest time between the first upload and the kill; every moment up to it is as likely. */
const KILLED_WITHIN_MS = 500
const READY_MS = 1000

/** What was acknowledged, and what was under way when the process died. */
interface Acknowledged {
  readonly versions: Set<string>
  readonly corrections: Set<string>
  /** The last default that was acknowledged, and the ones asked for since. */
  defaults: string[]
}

export async function* benchKills(kills: number): AsyncGenerator<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-kills-'))
  const home = await createSwitchHome(folder)
  const { home: path } = home.config
  await home.close()
  const acknowledged: Acknowledged = {
    versions: new Set(),
    corrections: new Set(),
    defaults: ['one'],
  }
  const readyMs: number[] = []
  const checked = new Set<string>()
  let lost = 0
  let broken = 0
  const start = async (): Promise<TestServer> => {
    const startMs = performance.now()
    const server = await startServer({ env: { VERGER_HOME: path, VERGER_LOG_LEVEL: 'fatal' } })
    readyMs.push(performance.now() - startMs)
    return server
  }
  const check = async (server: TestServer): Promise<void> => {
    const found = await readState(path)
    for (const version of acknowledged.versions) if (!found.versions.has(version)) lost++
    for (const label of acknowledged.corrections) if (!found.corrections.has(label)) lost++
    if (!acknowledged.defaults.includes(found.defaultVersion ?? '')) lost++
    acknowledged.defaults = [found.defaultVersion ?? '']
    broken += found.broken
    for (const version of found.versions) {
      if (checked.has(version)) continue
      checked.add(version)
      const answer = await ask(server.url, PHOTOS[0], version).catch(() => undefined)
      if (answer?.version !== version) broken++
    }
  }
  let server = await start()
  try {
    for (let kill = 0; kill < kills; kill++) {
      const uploader = spawn(
        process.execPath,
        ['bench/register-loop.mjs', path, home.bundle, MODEL, `k${kill}`],
        { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] },
      )
      const lines = createInterface(uploader.stdout)
      lines.on('line', (name) => acknowledged.versions.add(name))
      const working = [
        switchUntilDead(server.url, acknowledged),
        correctUntilDead(server.url, kill, acknowledged),
      ]
      await once(lines, 'line')
      await sleep(Math.random() * KILLED_WITHIN_MS)
      await Promise.all([killNow(server.process), killNow(uploader), ...working])
      server = await start()
      await check(server)
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  yield figure('kills', kills, '')
  yield figure('versions acknowledged', acknowledged.versions.size, '')
  yield figure('versions there are, each of which answers', checked.size, '')
  yield figure('photos whose keeping was acknowledged', acknowledged.corrections.size, '')
  yield atMost('acknowledged and lost', lost, '', 0)
  yield atMost('visible and not whole', broken, '', 0)
  yield atMost('from start to ready, median', median(readyMs), 'ms', READY_MS)
  yield atMost('  the longest', Math.max(...readyMs), 'ms', READY_MS)
}

async function killNow(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

async function switchUntilDead(url: string, acknowledged: Acknowledged): Promise<void> {
  for (let round = 0; ; round++) {
    const to = VERSIONS[round % 2] ?? 'one'
    acknowledged.defaults.push(to)
    try {
      await switchTo(url, to)
    } catch {
      return
    }
    acknowledged.defaults = [to]
  }
}

/** Sends photos to be kept, each under a label of its own and with bytes that no photo had before. */
async function correctUntilDead(
  url: string,
  kill: number,
  { corrections }: Acknowledged,
): Promise<void> {
  const photo = readPhoto(PHOTOS[0])
  for (let count = 0; ; count++) {
    const label = `kill ${kill}, photo ${count}`
    const form = new FormData()
    form.append('version', 'one')
    form.append('label', label)
    // What follows the end of a JPEG is no part of the picture.
    form.append('photo', new Blob([new Uint8Array(photo), label]), 'photo.jpg')
    try {
      const address = `${url}/api/models/${MODEL}/corrections`
      const response = await fetch(address, { method: 'POST', body: form })
      if (response.status !== 201) throw new Error(await response.text())
    } catch {
      return
    }
    corrections.add(label)
  }
}

/** What the registry holds, and how much of it cannot be read. */
async function readState(home: string) {
  const store = await openStore({ home })
  try {
    const registry = createRegistry(store)
    const versions = await registry.listVersions(MODEL)
    const corrections = await listCorrections(store, MODEL)
    let broken = 0
    for (const { photoSha256 } of corrections) {
      await store.blobs.get(photoSha256).catch(() => broken++)
    }
    for (const { files } of versions.slice(0, 10)) {
      for (const hash of Object.values(files)) await store.blobs.get(hash).catch(() => broken++)
    }
    return {
      versions: new Set(versions.map(({ name }) => name)),
      corrections: new Set(corrections.map(({ label }) => label)),
      defaultVersion: (await registry.getModel(MODEL)).defaultVersion,
      broken,
    }
  } finally {
    await store.close()
  }
}
