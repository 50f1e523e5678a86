/** Every command in a `console` block of the README and the guides is run as it stands. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FIXTURES = join(ROOT, 'test/fixtures/photos')
const GUIDES = readdirSync(join(ROOT, 'docs/guide')).map((name) => `docs/guide/${name}`)

const folder = mkdtempSync(join(tmpdir(), 'verger-docs-'))
const PLAIN_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${folder}/bin:${process.env['PATH']}`,
  HOME: folder,
  VERGER_HOME: undefined,
  VERGER_LOG_LEVEL: 'silent',
}

beforeAll(() => {
  mkdirSync(join(folder, 'bin'))
  symlinkSync(join(ROOT, 'bin/verger.js'), join(folder, 'bin/verger'))
})

/** The photos that the pages speak of. */
function layPhotos(cwd: string): void {
  mkdirSync(join(cwd, 'photos'), { recursive: true })
  cpSync(join(FIXTURES, 'baseline.jpg'), join(cwd, 'apple.jpg'))
  cpSync(join(FIXTURES, 'rgb.png'), join(cwd, 'pear.png'))
  cpSync(join(FIXTURES, 'exif-6.jpg'), join(cwd, 'photos/plum.jpg'))
}

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Lines after a `$ ` in `console` blocks. */
function commandsOf(page: string): string[] {
  const blocks = readFileSync(join(ROOT, page), 'utf8').matchAll(/```console\n([\s\S]*?)```/g)
  return [...blocks].flatMap(([, block = '']) =>
    block.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])),
  )
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  return port
}

describe.each(['README.md', ...GUIDES])('%s', (page) => {
  // Each page starts where its reader does, whatever the others have made.
  const cwd = join(folder, 'readers', page.replaceAll('/', '-'))
  const env = { ...PLAIN_ENV, HOME: cwd }
  beforeAll(() => layPhotos(cwd))

  it('has commands that do what they say', async () => {
    const commands = commandsOf(page)
    expect(commands.length).toBeGreaterThan(2)
    const port = String(await freePort())
    const server = spawn('verger', ['up', '--port', port], { cwd, env })
    try {
      await once(createInterface(server.stdout), 'line')
      for (const command of commands) {
        if (command === 'verger up') continue
        const text = command.replaceAll('4400', port)
        const output = execFileSync('bash', ['-c', `set -o pipefail; ${text}`], {
          cwd,
          env,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        if (/curl/.test(command)) expect(output, command).not.toContain('"error"')
      }
    } finally {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
  }, 240_000)

  it('links to pages that exist', () => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link)
    const broken = links.filter((link) => {
      try {
        readdirSync(join(ROOT, page, '..', link))
        return false
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT'
      }
    })
    expect(broken).toEqual([])
  })
})

describe('examples/serverless.mjs', () => {
  it('answers as the server does', async () => {
    const port = await freePort()
    const example = spawn(process.execPath, ['examples/serverless.mjs', String(port)], {
      cwd: ROOT,
      env: PLAIN_ENV,
    })
    try {
      await once(createInterface(example.stdout), 'line')
      const form = new FormData()
      form.append('photo', new Blob([readFileSync(join(FIXTURES, 'baseline.jpg'))]), 'baseline.jpg')
      const url = `http://127.0.0.1:${port}/predict?top=1`
      const response = await fetch(url, { method: 'POST', body: form })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject([{ source: 'baseline.jpg', top: [{}] }])
    } finally {
      example.kill('SIGTERM')
      await once(example, 'exit')
    }
  })
})

describe('the reference of errors', () => {
  it('lists every code of the catalogue', async () => {
    const { ERROR_CATALOGUE } = await import('verger')
    const page = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8')
    const listed = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \|/gm)]
    expect(listed.map(([, code, status, exit]) => [code, Number(status), Number(exit)])).toEqual(
      Object.entries(ERROR_CATALOGUE).map(([code, row]) => [code, row.status, row.exitCode]),
    )
  })
})
