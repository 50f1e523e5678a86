/** The package as strangers get it: packed, installed in an empty project, run on every tested Node.js. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PHOTO = join(ROOT, 'test/fixtures/photos/baseline.jpg')

/** Node.js versions that the npm package `node` brings; the running one is tested as it is. */
const OTHER_NODES = ['22', '24']

const folder = mkdtempSync(join(tmpdir(), 'verger-package-'))
const project = join(folder, 'project')

/** The environment without what npm adds for the run of these tests: an install must work without our `.npmrc`. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_onnx|package|lifecycle)/i.test(name),
  ),
)

function run(command: string, args: readonly string[], cwd = project): string {
  return execFileSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

beforeAll(() => {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], ROOT)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  run('npm', ['install', '--silent', join(folder, tarball)])
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed tarball in an empty project', () => {
  it('keeps only the binaries of this platform and no GPU libraries', () => {
    const bin = join(project, 'node_modules/onnxruntime-node/bin/napi-v6')
    const kept = readdirSync(bin).flatMap((platform) =>
      readdirSync(join(bin, platform)).map((arch) => `${platform}/${arch}`),
    )
    expect(kept).toEqual([`${process.platform}/${process.arch}`])
    const sizeKb = Number(run('du', ['-sk', 'node_modules']).split('\t')[0])
    expect(sizeKb).toBeLessThan(260 * 1024)
  })

  it('holds no tests and no sources', () => {
    const files = readdirSync(join(project, 'node_modules/verger'), {
      recursive: true,
      encoding: 'utf8',
    })
    expect(files.filter((name) => /\.test\.|\.tsbuildinfo|^src|^test/.test(name))).toEqual([])
    expect(existsSync(join(project, 'node_modules/verger/web/dist/index.html'))).toBe(true)
  })

  it('predicts from the command line', () => {
    const [prediction] = JSON.parse(run('npx', ['verger', 'predict', PHOTO, '--json']))
    expect(prediction.top).toHaveLength(5)
  })

  it('is a library with types', () => {
    writeFileSync(
      join(project, 'library.mjs'),
      `import { createHandler } from 'verger'
const handle = createHandler()
const response = await handle(new Request('http://localhost/healthz'))
console.log(await response.text())
await handle.close()`,
    )
    expect(run('node', ['library.mjs'])).toContain('{"status":"ok"}')
    expect(existsSync(join(project, 'node_modules/verger/dist/index.d.ts'))).toBe(true)
  })

  it('has a client whose types a strict project accepts', () => {
    writeFileSync(
      join(project, 'client.ts'),
      `import { createClient, type Prediction } from 'verger/client'
const verger = createClient({ server: 'http://127.0.0.1:4400', token: 'x' })
export async function ask(photo: Blob): Promise<readonly Prediction[] | string> {
  const { data, error } = await verger.predict(photo, { model: 'fruits', top: 3 })
  return data ?? error.error.message
}
export async function names(): Promise<string[]> {
  const { data = [] } = await verger.GET('/api/models', { params: { query: { limit: 10 } } })
  // @ts-expect-error a model has no such property
  for (const model of data) void model.colour
  return data.map(({ name }) => name)
}`,
    )
    const types = ['--lib', 'es2023,dom,dom.iterable', '--target', 'es2023', '--module', 'nodenext']
    const strict = ['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--types', '']
    run(join(ROOT, 'node_modules/.bin/tsc'), [...types, ...strict, 'client.ts'])
  })

  it.each(OTHER_NODES)('works on Node.js %s', (major) => {
    const nodes = join(folder, `node-${major}`)
    mkdirSync(nodes)
    writeFileSync(join(nodes, 'package.json'), '{}')
    run('npm', ['install', '--silent', `node@${major}`], nodes)
    const node = join(nodes, 'node_modules/node/bin/node')
    expect(run(node, ['--version'])).toMatch(new RegExp(`^v${major}\\.`))
    const verger = join(project, 'node_modules/verger/bin/verger.js')
    const [prediction] = JSON.parse(run(node, [verger, 'predict', PHOTO, '--json']))
    expect(prediction.top).toHaveLength(5)
    expect(run(node, [verger, 'doctor', '--json'])).not.toContain('"broken"')
  })
})
