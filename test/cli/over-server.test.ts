/** Commands that ask a server say what they say of this machine: the same transcripts, and what only a server can do wrong. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { parseTranscript, patternOf } from './transcript.ts'
import { createSandbox, type Sandbox } from './verger.ts'

const TOKEN = 'correct-horse-battery-staple'
const BUNDLE = 'node --import tsx ../../support/write-tiny-bundle.mjs'

let sandbox: Sandbox
let server: TestServer
async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  sandbox = createSandbox()
  server = await startServer({ env: { VERGER_HOME: join(sandbox.folder, 'home'), ...env } })
}
async function stop(): Promise<void> {
  await server.stop()
  sandbox.remove()
  expect(serversLeft()).toEqual([])
}

/** A home of its own, and the address in the environment, which every command says first. */
async function run(line: string, env: Readonly<Record<string, string>> = {}) {
  const home = join(sandbox.folder, 'client')
  const outcome = await sandbox.run(line, { VERGER_HOME: home, VERGER_SERVER: server.url, ...env })
  const notes = /^note http\S+ is asked \(VERGER_SERVER\); --local asks this machine\n/gm
  return { ...outcome, stderr: outcome.stderr.replace(notes, '') }
}

describe.each(['models.transcript', 'versions.transcript'])('%s over a server', (name) => {
  beforeAll(() => start())
  afterAll(stop)
  const runs = parseTranscript(readFileSync(new URL(name, import.meta.url), 'utf8'))
  // What is done to the files of a registry, or trained, is done to this machine.
  const remote = runs.filter(
    ({ command }) => !/\/home\b|train|import|sqlite|verger\.db/.test(command),
  )

  it.each(remote)('$command', async ({ command, stdout, stderr, exit }) => {
    const outcome = await run(command)
    expect(outcome.stderr).toMatch(patternOf(stderr))
    expect(outcome.stdout).toMatch(patternOf(stdout))
    expect(outcome.exit).toBe(exit)
  })
})

describe('a server with a token', () => {
  beforeAll(async () => {
    await start({ VERGER_TOKEN: TOKEN })
    await sandbox.run(`${BUNDLE} "$SANDBOX/bundle"`)
    await run('verger versions create fruits/v1 --from "$SANDBOX/bundle"', { VERGER_TOKEN: TOKEN })
  })
  afterAll(stop)

  test('is asked with the token of the environment', async () => {
    const line = 'verger predict baseline.jpg --model fruits/v1 --top 2'
    const { stdout, exit } = await run(line, { VERGER_TOKEN: TOKEN })
    expect(exit).toBe(0)
    expect(stdout).toMatch(
      /^Predicted:\nScore [\d.]+, Label Granny_Smith\nScore [\d.]+, Label plum\n$/,
    )
  })

  test('answers as this machine does, photo by photo', async () => {
    const line =
      'verger predict baseline.jpg grey.jpg truncated.jpg empty.jpg --model fruits --top 1 --format csv'
    const [there, here] = [await run(line, { VERGER_TOKEN: TOKEN }), await sandbox.run(line)]
    expect(there.stdout).toBe(here.stdout)
    expect(there.exit).toBe(here.exit)
  })

  test('refuses another one, and says where it is set', async () => {
    const wrong = await run('verger models list', { VERGER_TOKEN: 'other' })
    expect(wrong.stderr).toMatch(/\[unauthorized\]\n {2}hint The token .* check VERGER_TOKEN/)
    expect((await run('verger models list')).stderr).toMatch(
      /hint Set VERGER_TOKEN, or: verger config set token/,
    )
  })

  test('gets the token that was kept for it, which no other server gets', async () => {
    const env = { VERGER_SERVER: '' }
    await run(`verger config set server ${server.url}/`, env)
    const set = await run(`printf ${TOKEN} | verger config set token`, env)
    expect([set.exit, set.stdout]).toEqual([0, ''])
    const list = await run('verger config list && ls -l "$VERGER_HOME/config.json"', env)
    expect(list.stdout).toMatch(/server +http:\/\/127.*\n +token +hidden/)
    expect(list.stdout).toContain('-rw-------')
    expect(list.stdout).not.toContain(TOKEN)
    const models = await run('verger models list', env)
    expect(models.stdout).toMatch(/fruits +v1/)
    expect(models.stderr).toMatch(/^note http\S+ is asked \(verger config\)/)
    expect((await run('verger models list --local', env)).stderr).toMatch(/There is no model yet/)
    const other = `http://localhost:${server.port}`
    expect((await run(`verger models list --server ${other}`, env)).stderr).toMatch(/unauthorized/)
    await run('verger config unset server', env)
    expect((await run('verger config list --json', env)).stdout).toBe('{}\n')
  })

  test('fetches only what it lacks', async () => {
    const create = 'verger versions create pears/v1 --from "$SANDBOX/bundle" --json'
    const { stdout, exit } = await run(create, { VERGER_TOKEN: TOKEN })
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ model: 'pears', name: 'v1', isDefault: true })
    const puts = server.stderr.filter(
      (line) => line.includes('"PUT"') && line.includes('/api/blobs'),
    )
    expect(puts).toHaveLength(3)
  })
})

describe('a classifier that was made elsewhere', () => {
  beforeAll(() => start())
  afterAll(stop)
  const weights = '../../../weights/efficientnet-lite0.onnx'
  const importAs = (name: string) =>
    run(`verger models import ${weights} --labels imagenet --register ${name}`)
  const putsSoFar = () =>
    server.stderr.filter((line) => line.includes('"PUT"') && line.includes('/api/blobs')).length

  test('is read here and registered there, with the backbone that it brings', async () => {
    const { exit, stdout, stderr } = await importAs('lite/v1')
    expect([exit, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      new RegExp(
        `\\nImported as (import-\\w+) in .*\\nRegistered as lite/v1, the default of lite\\nNext: verger predict PHOTO --model lite --version v1 --server ${server.url}\\n$`,
      ),
    )
    // Nothing of it is kept here.
    const kept = await run('ls -A "$VERGER_HOME/backbones" "$VERGER_HOME/bundles" 2>&1')
    expect(kept.stdout).not.toMatch(/import-/)
    const predicted = await run('verger predict baseline.jpg --model lite --top 1')
    expect(predicted.stdout).toMatch(/Label toilet_tissue\n$/)
  })

  test('sends the weights of its backbone once', async () => {
    const before = putsSoFar()
    expect((await importAs('other/v1')).exit).toBe(0)
    // What describes it says when it was imported.
    expect(putsSoFar()).toBe(before + 1)
  })

  test('needs a name on a server, and one where it stays here asks none', async () => {
    const named = await run(
      `verger models import ${weights} --labels imagenet --server ${server.url}`,
    )
    expect([named.exit, named.stderr]).toEqual([
      2,
      expect.stringMatching(/Expected --register beside --server.*\n {2}hint .*--register/),
    ])
    const here = await run(`verger models import ${weights} --labels imagenet --dry-run`)
    expect([here.exit, here.stderr]).toEqual([0, ''])
  })
})

test('every command of models, versions, operations and predict asks a server where one is named', async () => {
  const { createProgram } = await import('../../dist/cli/main.js')
  const program = await createProgram({} as never, [])
  const nouns = ['models', 'versions', 'operations', 'predict']
  const leaves = program.commands
    .filter((command) => nouns.includes(command.name()))
    .flatMap((command) => (command.commands.length === 0 ? [command] : command.commands))
  expect(leaves.length).toBeGreaterThan(20)
  for (const command of leaves) {
    const options = command.options.map(({ long }) => long)
    expect(options, command.name()).toEqual(expect.arrayContaining(['--server', '--local']))
  }
})

describe('what is no server', () => {
  beforeAll(() => {
    sandbox = createSandbox()
  })
  afterAll(() => sandbox.remove())
  const ask = (url: string) => sandbox.run(`verger models list --server ${url}`)

  async function withPeer(answer: RequestListener, use: (url: string) => Promise<void>) {
    const peer: Server = createServer(answer)
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve))
    try {
      await use(`http://127.0.0.1:${(peer.address() as AddressInfo).port}`)
    } finally {
      peer.closeAllConnections()
      await new Promise((resolve) => peer.close(resolve))
    }
  }

  test('is said to be unreachable', async () => {
    const { stderr, exit } = await ask('http://127.0.0.1:9')
    expect([exit, stderr]).toEqual([
      1,
      expect.stringMatching(/\[server_unreachable\]\n {2}hint Is it up/),
    ])
  })

  test.each([
    ['a page', 200, 'text/html', '<p>hello</p>', /received an answer that is no JSON/],
    [
      'an error page',
      502,
      'text/html',
      '<p>bad gateway</p>',
      /received the status 502 with text\/html/,
    ],
    ['other JSON', 404, 'application/json', '{"detail":"Not Found"}', /the status 404/],
  ])('is told from a Verger by %s', async (_words, status, type, body, message) => {
    await withPeer(
      (_request, response) => response.writeHead(status, { 'content-type': type }).end(body),
      async (url) => {
        const { stderr, exit } = await ask(url)
        expect(exit).toBe(1)
        expect(stderr).toMatch(message)
        expect(stderr).toMatch(/\[server_foreign\]\n {2}hint/)
      },
    )
  })

  test('may be an older Verger', async () => {
    const body = '{"error":{"code":"route_unknown","message":"Nothing answers GET /api/models"}}'
    await withPeer(
      (_request, response) =>
        response.writeHead(404, { 'content-type': 'application/json' }).end(body),
      async (url) => expect((await ask(url)).stderr).toMatch(/\[server_too_old\]\n {2}hint Update/),
    )
  })

  test('leads elsewhere', async () => {
    await withPeer(
      (_request, response) =>
        response.writeHead(301, { location: 'https://verger.example/' }).end(),
      async (url) =>
        expect((await ask(url)).stderr).toMatch(/redirection to https:\/\/verger.example/),
    )
  })

  test('is waited for where it asks for that', async () => {
    let asked = 0
    const busy = '{"error":{"code":"overloaded","message":"Expected less"}}'
    await withPeer(
      (_request, response) => {
        asked++
        const head = { 'content-type': 'application/json', 'retry-after': '0' }
        if (asked < 3) response.writeHead(503, head).end(busy)
        else response.writeHead(200, head).end('[]')
      },
      async (url) => {
        const { exit, stderr } = await ask(url)
        expect([exit, asked, stderr]).toEqual([
          0,
          3,
          expect.stringMatching(/There is no model yet/),
        ])
      },
    )
  })

  test.each([
    ['models list --server localhost:4400', /hint --server http:\/\/localhost:4400/],
    ['models list --server ftp://a', /received "ftp:\/\/a"/],
    ['models list --server http://a --local', /cannot be used with option '--local'/],
    [
      'predict a.jpg --server http://a --bundle b',
      /Expected --model beside --server, received --bundle/,
    ],
    ['predict a.jpg --model fruits/v1 --version v2', /Expected one version/],
    ['config set token abc', /Expected a server that the token is for/],
    ['config get token', /may be printed/],
    ['config get server', /received none/],
    ['config set colour red', /Allowed choices are server, token/],
  ])('verger %s is refused', async (args, message) => {
    const { stderr, exit } = await sandbox.run(`verger ${args}`)
    expect([exit, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})
