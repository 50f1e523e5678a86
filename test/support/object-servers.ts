/** Real servers of the S3 and GCS protocols, built by scripts/servers/setup.sh: started for a test file, gone after it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const PROGRAMS = fileURLToPath(new URL('../../.servers/bin', import.meta.url))
const START_TIMEOUT_MS = 20_000

export interface ObjectServer {
  readonly port: number
  /** Makes a bucket. */
  createBucket(name: string): Promise<void>
  /** Lets the server name its own addresses with another port, that of a proxy. */
  reachedAt(port: number): Promise<void>
  /** What the environment of a program must hold that is to reach the server at `port`, by default at its own. */
  env(port?: number): Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface S3Server extends ObjectServer {
  /** Folders of the uploads in parts that nobody has ended; their time is when they were begun. */
  uploadsIn(bucket: string): readonly string[]
}

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Key that the S3 server takes. */
const KEY = { id: 'verger-test', secret: 'verger-test-secret' }

/** Starts versitygw on an empty folder: S3. */
export async function startS3(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-s3-'))
  // Metadata beside the objects, so that the file system need not keep extended attributes.
  const [objects, sidecar] = [join(folder, 'objects'), join(folder, 'sidecar')]
  for (const each of [objects, sidecar]) mkdirSync(each)
  const port = await findFreePort()
  const server = await startProgram(
    'versitygw',
    ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', '--sidecar', sidecar, objects],
    port,
    { ROOT_ACCESS_KEY: KEY.id, ROOT_SECRET_KEY: KEY.secret },
  )
  return {
    port,
    createBucket: async (name) => mkdirSync(join(objects, name)),
    uploadsIn(bucket) {
      const uploads = join(objects, bucket, '.sgwtmp/multipart')
      return readdirSync(uploads).flatMap((name) =>
        readdirSync(join(uploads, name)).map((id) => join(uploads, name, id)),
      )
    },
    // It names none.
    reachedAt: async () => {},
    env: (to = port) => ({
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${to}`,
      AWS_ACCESS_KEY_ID: KEY.id,
      AWS_SECRET_ACCESS_KEY: KEY.secret,
    }),
    stop: () => server.stop().finally(() => rmSync(folder, { recursive: true, force: true })),
  }
}

/** Starts fake-gcs-server with its objects in memory: the JSON API of Google Cloud Storage. */
export async function startGcs(): Promise<ObjectServer> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const { stop } = await startProgram(
    'fake-gcs-server',
    ['-backend', 'memory', '-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)],
    port,
  )
  return {
    port,
    async createBucket(name) {
      const answer = await fetch(`${url}/storage/v1/b?project=test`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name }),
      })
      if (!answer.ok) throw new Error(`Expected a new bucket, received ${await answer.text()}`)
    },
    async reachedAt(to) {
      await fetch(`${url}/_internal/config`, {
        method: 'PUT',
        body: JSON.stringify({ externalUrl: `http://127.0.0.1:${to}` }),
      })
    },
    env: (to = port) => ({ STORAGE_EMULATOR_HOST: `http://127.0.0.1:${to}` }),
    stop,
  }
}

async function startProgram(
  name: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<{ stop(): Promise<void> }> {
  const program = join(PROGRAMS, name)
  if (!existsSync(program)) {
    throw new Error(`Expected ${program}: sh scripts/servers/setup.sh builds it`)
  }
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  alive.add(child)
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = once(child, 'close').then(() => alive.delete(child))
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      child.kill('SIGKILL')
      throw new Error(`Expected ${name} to listen on port ${port}: ${said}`)
    }
    await sleep(20)
  }
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A port that was free a moment ago; these servers do not say which one they were given. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
