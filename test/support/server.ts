/** The built program as a child process: started for a test and gone after it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/verger.js', import.meta.url))

/** The workers load the network within a second on an idle machine. */
const START_TIMEOUT_MS = 30_000
/** Longer than any drain of these tests takes; then the process is killed and the test fails. */
const STOP_TIMEOUT_MS = 20_000

export interface StartOptions {
  /** Settings of `core/config.ts`; those of the surrounding process do not count. */
  readonly env?: Readonly<Record<string, string>>
  /** Further arguments of `verger up`. */
  readonly args?: readonly string[]
}

export interface TestServer {
  /** Where it listens, by its loopback address. */
  readonly url: string
  readonly port: number
  /** Port of gRPC, where the arguments ask for one. */
  readonly grpcPort: number | undefined
  readonly process: ChildProcessWithoutNullStreams
  /** Lines of standard error so far. */
  readonly stderr: readonly string[]
  /** Sends SIGTERM and gives the exit code once the process has ended. Safe to call twice. */
  stop(): Promise<number | null>
}

export interface Outcome {
  readonly exitCode: number | null
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

const alive = new Set<ChildProcessWithoutNullStreams>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Process ids of the servers that are still there. A test file asserts in `afterAll` that there are none. */
export function serversLeft(): number[] {
  return [...alive].map(({ pid }) => pid ?? -1)
}

/** Runs `verger up --port 0 --json` and waits for its address. Rejects with its standard error when it does not come up. */
export async function startServer({ env = {}, args = [] }: StartOptions = {}): Promise<TestServer> {
  const { child, stdout, stderr, ended } = spawnProgram(
    ['up', '--port', '0', '--json', ...args],
    env,
  )
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  await Promise.race([once(stdout, 'line'), ended]).finally(() => clearTimeout(timer))
  const [first] = stdout.lines
  if (first === undefined) {
    const { exitCode } = await ended
    throw new Error(
      `Expected a running server, it ended with ${exitCode}: ${stderr.lines.join('\n')}`,
    )
  }
  const { url, grpcPort } = JSON.parse(first) as { url: string; grpcPort?: number }
  const port = Number(new URL(url).port)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    grpcPort,
    process: child,
    stderr: stderr.lines,
    async stop() {
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      const { exitCode } = await ended.finally(() => clearTimeout(killer))
      return exitCode
    },
  }
}

/** Runs the program to its end, with `meanwhile` beside it; one that does not end is killed and has the exit code null. */
export async function runProgram(
  args: readonly string[],
  env: StartOptions['env'] = {},
  meanwhile: (child: ChildProcessWithoutNullStreams) => Promise<void> = async () => {},
): Promise<Outcome> {
  const { child, ended } = spawnProgram(args, env)
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  try {
    await meanwhile(child)
    return await ended
  } catch (error) {
    child.kill('SIGKILL')
    await ended
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function spawnProgram(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...bareEnvironment(), ...env },
  })
  alive.add(child)
  const stdout = collectLines(child.stdout)
  const stderr = collectLines(child.stderr)
  const ended = once(child, 'close').then(([exitCode]): Outcome => {
    alive.delete(child)
    return { exitCode, stdout: stdout.lines, stderr: stderr.lines }
  })
  return { child, stdout, stderr, ended }
}

/** Two workers whatever the machine, a home of its own that nothing writes to, and none of our settings from outside. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VERGER_'))
  return {
    ...Object.fromEntries(inherited),
    VERGER_HOME: join(tmpdir(), 'verger-test-home'),
    VERGER_WORKERS: '2',
  }
}

function collectLines(stream: NodeJS.ReadableStream) {
  const lines: string[] = []
  const reader = createInterface({ input: stream })
  reader.on('line', (line) => lines.push(line))
  return Object.assign(reader, { lines })
}
