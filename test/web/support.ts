/** The real server and a real Chromium for the tests of the web app. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const CHROMIUM = '/usr/bin/chromium'
const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 10_000

export interface TestServer {
  readonly url: string
  close(): Promise<void>
}

/** Path of a synthetic photo in `test/fixtures/photos`. */
export function fixturePhoto(name: string): string {
  return join(REPOSITORY, 'test/fixtures/photos', name)
}

/** Path inside the real photos of `VERGER_DATASETS`; undefined where they are not on this machine. */
export function datasetPath(path: string): string | undefined {
  const datasets = process.env.VERGER_DATASETS ?? join(REPOSITORY, '../shared/datasets')
  const found = join(datasets, path)
  return existsSync(found) ? found : undefined
}

/** Starts the built `verger up` on a free port with a home of its own. */
export async function startServer(env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  for (const built of ['dist/cli/main.js', 'web/dist/index.html']) {
    if (!existsSync(join(REPOSITORY, built))) {
      throw new Error(`Expected ${built} to be built, found none. Run: npm run build`)
    }
  }
  const home = await mkdtemp(join(tmpdir(), 'verger-web-'))
  const child = spawn(process.execPath, ['bin/verger.js', 'up', '--port', '0'], {
    cwd: REPOSITORY,
    env: {
      ...process.env,
      VERGER_HOME: home,
      VERGER_WORKERS: '1',
      VERGER_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const close = async (): Promise<void> => {
    try {
      await stop(child)
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  }
  try {
    return { url: await readUrl(child), close }
  } catch (error) {
    await close()
    throw error
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Resolves with the address that the server prints on standard output once it is ready. */
function readUrl(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    let logged = ''
    const fail = (what: string): void => {
      clearTimeout(timer)
      reject(new Error(`Expected the address of the server, ${what}.\n${printed}${logged}`))
    }
    const timer = setTimeout(() => fail(`none came in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
    child.once('error', (error) => fail(`it did not start: ${error.message}`))
    child.once('exit', (code) => fail(`it ended with exit code ${code}`))
    child.stderr.on('data', (chunk: Buffer) => {
      logged += chunk.toString()
    })
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
      if (url === undefined || !printed.includes('\n')) return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

/** Stops the server with SIGTERM; one that does not end by itself is a fault of its own. */
async function stop(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  child.kill('SIGTERM')
  const [, signal] = (await ended) as [number | null, string | null]
  clearTimeout(timer)
  if (signal === 'SIGKILL')
    throw new Error(`Expected the server to end within ${STOP_TIMEOUT_MS} ms of SIGTERM`)
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}

/** Routes whose refusals the page tells in its own words; the browser writes them to the console too. */
const REFUSING = ['/predict', '/api/models']

export interface PageVisit {
  readonly browser: Browser
  readonly url: string
  readonly options?: BrowserContextOptions
}

/**
 * Opens the page in a fresh profile, runs `body`, and throws when the page logged an error, broke
 * its Content-Security-Policy or failed to load a file. A refused request is not such an error.
 */
export async function visit(
  { browser, url, options }: PageVisit,
  body: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options })
  const problems: string[] = []
  try {
    const page = await context.newPage()
    page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`))
    page.on('console', (message) => {
      const isRefusal = REFUSING.some((path) => message.location().url.startsWith(url + path))
      const isProblem = message.type() === 'error' || message.type() === 'warning'
      if (isProblem && !isRefusal) problems.push(`${message.type()}: ${message.text()}`)
    })
    await page.goto(url)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await body(page)
  } finally {
    await context.close()
  }
  if (problems.length > 0)
    throw new Error(`Expected a quiet console, received:\n${problems.join('\n')}`)
}
