/** `verger backbones pull`, killed at any moment, leaves nothing half made under a name, and the next run continues it. */
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { findBackbone, resolveWeights } from '../../dist/backbones/catalog.js'
import { sha256 } from '../../dist/core/hashes.js'
import { mobileNetV2 } from '../../src/backbones/architectures/mobilenet-v2.ts'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { type FileServer, startFileServer } from '../support/file-server.ts'
import { writeKerasWeights } from '../support/keras-weights.ts'

const KILLS = 6
/** Slow enough that a kill falls into the download as often as into the reading behind it. */
const CHUNK_BYTES = 1024 * 1024
const CHUNK_MS = 60

let sandbox: Sandbox | undefined
let server: FileServer | undefined
afterEach(async () => {
  await server?.close()
  sandbox?.remove()
})

const startSlowServer = (file: Uint8Array): Promise<FileServer> =>
  startFileServer(async ({ headers }, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"v1"',
      'content-length': file.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    })
    for (let at = from; at < file.length && !response.destroyed; at += CHUNK_BYTES) {
      response.write(file.subarray(at, at + CHUNK_BYTES))
      await sleep(CHUNK_MS)
    }
    response.end()
  })

/** What has its name is whole: its description can be read and its model has the hash that stands there. */
function expectWhole(home: string): void {
  const backbone = findBackbone('mobilenet-v2', home)
  expect(sha256(readFileSync(resolveWeights(backbone)))).toBe(backbone.weights.sha256)
}

describe('verger backbones pull', () => {
  it(`comes through ${KILLS} kills`, async () => {
    server = await startSlowServer(await writeKerasWeights(mobileNetV2))
    sandbox = createSandbox()
    const home = join(sandbox.folder, 'home')
    const folder = join(home, 'backbones/mobilenet-v2')
    const env = { VERGER_WEIGHTS_URL: new URL('/', server.url).href }
    const line = 'exec verger backbones pull mobilenet-v2'
    const startMs = performance.now()
    expect((await sandbox.run(line, env)).exit).toBe(0)
    let workMs = performance.now() - startMs
    expectWhole(home)

    rmSync(folder, { recursive: true })
    for (let killed = 0; killed < KILLS; ) {
      const child = sandbox.start(line, env)
      child.stdout?.resume()
      child.stderr?.resume()
      const exit = once(child, 'exit')
      // Spread over the whole of a run, with the moment itself left to chance.
      await Promise.race([exit, sleep(workMs * ((killed + Math.random()) / KILLS))])
      if (child.kill('SIGKILL')) killed++
      else workMs *= 0.8
      await exit
      // The next run waits four seconds for the lock of a killed one.
      const lock = join(home, 'backbones/.mobilenet-v2.lock')
      if (statSync(lock, { throwIfNoEntry: false }) !== undefined) utimesSync(lock, 0, 0)
      if (!existsSync(folder)) continue
      expectWhole(home)
      rmSync(folder, { recursive: true })
    }
    expect((await sandbox.run(line, env)).exit).toBe(0)
    expectWhole(home)
    const names = readdirSync(join(home, 'backbones')).filter((name) => !name.endsWith('.tmp'))
    expect(names.sort()).toEqual(['.downloads', 'checksums.json', 'mobilenet-v2'])
    expect(readdirSync(join(home, 'backbones/.downloads'))).toEqual([])
    expect(server.ranges.some((range) => range !== undefined)).toBe(true)
  }, 120_000)
})
