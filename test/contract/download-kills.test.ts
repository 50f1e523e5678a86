/** `verger datasets get URL`, killed at any moment, is continued by the next run and gives what an undisturbed one gives. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { createZip } from '../support/archives.ts'
import { type FileServer, startFileServer } from '../support/file-server.ts'

const KILLS = 10
const PHOTO_BYTES = 20_000
const ARCHIVE = createZip(
  Array.from({ length: 120 }, (_, at) => ({
    path: `fruits/${at % 2 === 0 ? 'apple' : 'pear'}/${at}.jpg`,
    // Random, so that it does not shrink.
    content: randomBytes(PHOTO_BYTES),
  })),
)
/** Slow enough that a kill falls into the download as often as behind it. */
const CHUNK_BYTES = 64 * 1024
const CHUNK_MS = 15

let sandbox: Sandbox | undefined
let server: FileServer | undefined
afterEach(async () => {
  await server?.close()
  sandbox?.remove()
})

async function startSlowServer(): Promise<FileServer> {
  return startFileServer(async ({ headers }, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"v1"',
      'content-length': ARCHIVE.length - from,
      ...(from > 0
        ? { 'content-range': `bytes ${from}-${ARCHIVE.length - 1}/${ARCHIVE.length}` }
        : {}),
    })
    for (let at = from; at < ARCHIVE.length && !response.destroyed; at += CHUNK_BYTES) {
      response.write(ARCHIVE.subarray(at, at + CHUNK_BYTES))
      await sleep(CHUNK_MS)
    }
    response.end()
  })
}

/** Waits until a run has the lock, or has ended. */
async function untilLocked(lock: string, exit: Promise<unknown>): Promise<void> {
  const startMs = Date.now()
  const isExited = exit.then(() => true)
  const isTaken = () => (statSync(lock, { throwIfNoEntry: false })?.birthtimeMs ?? 0) > startMs
  while (!isTaken() && !(await Promise.race([isExited, sleep(10)]))) {
    // Asked again after ten milliseconds.
  }
}

/** Every file of the dataset with its content, but for the time in its description. */
function contentOf(folder: string): Map<string, string> {
  const content = new Map<string, string>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name)
    if (!statSync(path).isFile()) continue
    const text = readFileSync(path).toString('latin1')
    content.set(name, text.replace(/"createdAt": ".*"/, '').replaceAll(/127\.0\.0\.1:\d+/g, ''))
  }
  return content
}

describe('verger datasets get, killed', () => {
  it(`continues after ${KILLS} kills and gives the same`, async () => {
    server = await startSlowServer()
    const { url } = server
    const undisturbed = createSandbox()
    const line = `exec verger datasets get ${url}`
    const startMs = performance.now()
    expect((await undisturbed.run(line)).exit).toBe(0)
    // Half a second goes by before the lock.
    let workMs = performance.now() - startMs - 500
    const expected = contentOf(join(undisturbed.folder, 'home/datasets/fruits'))
    undisturbed.remove()
    expect(expected.size).toBe(121)

    sandbox = createSandbox()
    const datasets = join(sandbox.folder, 'home/datasets')
    const lock = join(datasets, '.fruits.lock')
    for (let killed = 0; killed < KILLS; ) {
      const child = sandbox.start(line)
      child.stdout?.resume()
      child.stderr?.resume()
      const exit = once(child, 'exit')
      await untilLocked(lock, exit)
      // Spread over the whole of a run, with the moment itself left to chance.
      await Promise.race([exit, sleep(workMs * ((killed + Math.random()) / KILLS))])
      if (child.kill('SIGKILL')) killed++
      else workMs *= 0.8
      await exit
      // The next run waits four seconds for the lock of a killed one. The first does so here, the others need not.
      if (killed > 1 && existsSync(lock)) utimesSync(lock, 0, 0)
      if (!existsSync(join(datasets, 'fruits'))) continue
      // What has its name is whole. The next kills hit a new one.
      expect(contentOf(join(datasets, 'fruits'))).toEqual(expected)
      if (killed < KILLS) rmSync(datasets, { recursive: true })
    }
    const last = await sandbox.run(line)
    expect(last).toMatchObject({ exit: 0 })
    expect(contentOf(join(datasets, 'fruits'))).toEqual(expected)
    // What a kill leaves of the record itself goes after a day.
    const names = readdirSync(datasets).filter((name) => !name.endsWith('.tmp'))
    expect(names.sort()).toEqual(['.downloads', 'checksums.json', 'fruits'])
    expect(readdirSync(join(datasets, '.downloads'))).toEqual([])
    // Some of the runs found a part and asked for the rest.
    expect(server.ranges.some((range) => range !== undefined)).toBe(true)
  }, 120_000)
})
