/** The servers that Verger is measured beside: how each is started, as its documentation says and tuned. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { findBackbone } from '../dist/backbones/catalog.js'
import { ROOT } from './child.ts'

export interface Server {
  readonly name: string
  readonly url: string
  /** Leader of a process group of its own. */
  readonly process: ChildProcess
  /** How a photo travels: as the body, or as a part of a form where the server takes lists alone. */
  readonly form: 'raw' | 'multipart'
  stop(): Promise<void>
}

export interface Rival {
  readonly framework: string
  /** As its documentation starts it, or what was changed. */
  readonly variant: string
  readonly command: (port: number) => readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly form?: Server['form']
}

const FOLDER = join(ROOT, 'bench/rivals')
const PYTHON = join(ROOT, '.rivals/bin/python')
const CORES = String(availableParallelism())
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5000

const uvicorn =
  (app: string, ...options: string[]) =>
  (port: number) => ['-m', 'uvicorn', `${app}:app`, '--port', String(port), ...options]
const litserve = (port: number) => ['litserve_server.py', String(port)]
const bentoml = (port: number) => [
  '-m',
  'bentoml',
  'serve',
  'bentoml_server:PhotoService',
  '--host',
  '127.0.0.1',
  '--port',
  String(port),
]
/** One thread in each session and one session per core: together they use the machine, none waits for another. */
const EACH_CORE = { RIVAL_WORKERS: CORES, RIVAL_THREADS: '1' }
const QUIET = ['--no-access-log', '--loop', 'uvloop', '--http', 'httptools']

export const PLAIN: readonly Rival[] = [
  { framework: 'FastAPI', variant: 'plain', command: uvicorn('fastapi_plain'), env: {} },
  { framework: 'LitServe', variant: 'plain', command: litserve, env: {} },
  { framework: 'BentoML', variant: 'plain', command: bentoml, env: {} },
]

/** Several for each framework; the fastest of them is the one that is measured. */
export const TUNED: readonly Rival[] = [
  {
    framework: 'FastAPI',
    variant: 'a process per core',
    command: uvicorn('fastapi_workers', '--workers', CORES, ...QUIET),
    env: EACH_CORE,
  },
  {
    framework: 'FastAPI',
    variant: 'a thread per core',
    command: uvicorn('fastapi_threads', ...QUIET),
    env: EACH_CORE,
  },
  {
    framework: 'LitServe',
    variant: 'a worker per core',
    command: litserve,
    env: EACH_CORE,
  },
  {
    framework: 'LitServe',
    variant: 'a worker per core, batches of 8',
    command: litserve,
    env: { ...EACH_CORE, RIVAL_BATCH: '8' },
  },
  { framework: 'BentoML', variant: 'a worker per core', command: bentoml, env: EACH_CORE },
  {
    framework: 'BentoML',
    variant: 'a worker per core, batches of 8',
    command: bentoml,
    env: { ...EACH_CORE, RIVAL_BATCH: '8' },
    form: 'multipart',
  },
]

export interface Stable {
  /** Starts a rival and waits until it answers `photo`. */
  start(rival: Rival, photo: Uint8Array): Promise<Server>
  close(): void
}

/** Throws where the Python environment is missing. */
export function openStable(): Stable {
  if (!existsSync(PYTHON)) {
    throw new Error(
      `Expected Python with the rivals at ${PYTHON}: run sh scripts/setup-python.sh bench/rivals .rivals`,
    )
  }
  const folder = mkdtempSync(join(tmpdir(), 'verger-rivals-'))
  const labels = join(folder, 'labels.json')
  writeFileSync(labels, JSON.stringify(findBackbone('efficientnet-lite0').labels))
  return {
    async start({ framework, variant, command, env, form = 'raw' }, photo) {
      const port = await freePort()
      const child = spawn(PYTHON, command(port), {
        cwd: FOLDER,
        detached: true,
        stdio: 'ignore',
        env: {
          ...process.env,
          RIVAL_MODEL: join(ROOT, 'weights/efficientnet-lite0.onnx'),
          RIVAL_LABELS: labels,
          BENTOML_HOME: join(folder, 'bentoml'),
          BENTOML_DO_NOT_TRACK: '1',
          PYTHONDONTWRITEBYTECODE: '1',
          // As Verger does.
          ORT_DISABLE_TELEMETRY: '1',
          ...env,
        },
      })
      const server = serverOf(`${framework}, ${variant}`, `http://127.0.0.1:${port}`, child, form)
      await untilItAnswers(server, photo)
      return server
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** `verger up` with its defaults, on a home of its own. */
export async function startVerger(home: string): Promise<Server> {
  const child = spawn(process.execPath, ['bin/verger.js', 'up', '--port', '0', '--json'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, VERGER_HOME: home },
  })
  const [line] = await once(createInterface(child.stdout), 'line')
  const { url } = JSON.parse(line) as { url: string }
  return serverOf('Verger', url, child, 'raw')
}

function serverOf(name: string, url: string, child: ChildProcess, form: Server['form']): Server {
  const ended = once(child, 'exit')
  return {
    name,
    url,
    process: child,
    form,
    async stop() {
      signalGroup(child, 'SIGTERM')
      await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
      // Workers that outlive their parent are of its group still.
      signalGroup(child, 'SIGKILL')
    },
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function untilItAnswers(server: Server, photo: Uint8Array): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  while (server.process.exitCode === null && performance.now() < deadlineMs) {
    const status = await askTop(server, photo).then(
      () => 200,
      () => 0,
    )
    if (status === 200) return
    await sleep(200)
  }
  await server.stop()
  throw new Error(`Expected ${server.name} to answer within ${START_TIMEOUT_MS} ms, it did not`)
}

export interface Top {
  readonly label: string
  readonly score: number
}

/** The best label of one photo, in whichever form the server answers. */
export async function askTop({ url, form }: Server, photo: Uint8Array): Promise<Top> {
  const body = new Uint8Array(photo)
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    signal: AbortSignal.timeout(10_000),
    ...(form === 'raw'
      ? { headers: { 'content-type': 'image/jpeg' }, body }
      : { body: formOf(body) }),
  })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  // Verger: [{ top: [best, …] }]; rivals: [best, …], or [[best, …]] for a list of one.
  const [first] = (await response.json()) as [Top | Top[] | { top: Top[] }]
  const best = 'top' in first ? first.top[0] : Array.isArray(first) ? first[0] : first
  if (best === undefined) throw new Error(`${url} answered without a label`)
  return best
}

function formOf(photo: Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData()
  form.append('photos', new Blob([photo], { type: 'image/jpeg' }), 'photo.jpg')
  return form
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
