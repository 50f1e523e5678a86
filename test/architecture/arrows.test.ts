import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findImports, findViolations, LEVELS, withoutComments } from './arrows.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('src', () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))

  it('was found', () => {
    expect(files.map(({ path }) => path)).toContain('src/core/errors.ts')
    expect(files.flatMap(({ text }) => findImports(text)).length).toBeGreaterThan(files.length)
  })

  it('holds no folder without a level', () => {
    const folders = files.map(({ path }) => path.split('/')).filter((parts) => parts.length > 2)
    expect(LEVELS.flat()).toEqual(expect.arrayContaining(folders.map(([, folder]) => folder)))
  })

  it('has arrows that point down only', () => {
    expect(findViolations(files)).toEqual([])
  })
})

describe('the checker', () => {
  const check = (path: string, text: string) => findViolations([{ path, text }])

  it.each([
    ['a static import', "import { listen } from '../server/listen.ts'"],
    ['a type import', "import type { Listen } from '../server/listen.ts'"],
    ['a type inside an import', "import { type Listen } from '../server/listen.ts'"],
    ['an import over several lines', "import {\n  listen,\n  close,\n} from '../server/listen.ts'"],
    ['a namespace import', "import * as server from '../server/listen.ts'"],
    ['an import for its effect', "import '../server/listen.ts'"],
    ['a dynamic import', "const { listen } = await import('../server/listen.ts')"],
    ['a type query', "type Listen = typeof import('../server/listen.ts').listen"],
    ['a worker', "new Worker(new URL('../server/listen.ts', import.meta.url))"],
  ])('catches an arrow that points up: %s', (_words, text) => {
    expect(check('src/core/clock.ts', text)).toEqual([
      'src/core/clock.ts imports ../server/listen.ts: an arrow from core to server points up',
    ])
  })

  it.each([
    [
      'sideways',
      'src/images/x.ts',
      "import '../learn/softmax.ts'",
      /images to learn points sideways/,
    ],
    [
      'from the server to the command line',
      'src/server/x.ts',
      "import '../cli/main.ts'",
      /points sideways/,
    ],
    [
      'into an unknown folder',
      'src/cli/x.ts',
      "import '../stuff/x.ts'",
      /the folder stuff has no level/,
    ],
    [
      'into the barrel',
      'src/cli/x.ts',
      "import { listen } from '../index.ts'",
      /nothing in src imports the barrel/,
    ],
    [
      'to the runtime',
      'src/features/x.ts',
      "import ort from 'onnxruntime-node'",
      /only src\/tensor\/session.ts may/,
    ],
    [
      'to a file of the runtime',
      'src/cli/x.ts',
      "await import('onnxruntime-node/x.js')",
      /only src\/tensor\/session.ts may/,
    ],
    [
      'to the runtime by a resolver',
      'src/cli/x.ts',
      "require.resolve('onnxruntime-node')",
      /only src\/tensor\/session.ts may/,
    ],
  ])('catches an arrow %s', (_words, path, text, fault) => {
    expect(check(path, text)).toEqual([expect.stringMatching(fault)])
  })

  it.each([
    ['a read of the environment', 'src/cli/x.ts', 'const home = process.env.HOME', /process.env/],
    ['the environment taken apart', 'src/cli/x.ts', 'const { cwd, env } = process', /process.env/],
    [
      'the environment from its module',
      'src/cli/x.ts',
      "import { env } from 'node:process'",
      /process.env/,
    ],
    [
      'a second barrel',
      'src/cli/x.ts',
      "export * from './main.ts'",
      /only src\/index.ts is a barrel/,
    ],
    [
      'a re-export',
      'src/cli/x.ts',
      "export { main } from './main.ts'",
      /only src\/index.ts is a barrel/,
    ],
    ['a file without a name of its own', 'src/cli/utils.ts', '', /never utils/],
    ['its test', 'src/core/helpers.test.ts', '', /never helpers/],
  ])('catches %s', (_words, path, text, fault) => {
    expect(check(path, text)).toEqual([expect.stringMatching(fault)])
  })

  it.each([
    ['a lower folder', 'src/cli/x.ts', "import { sha256 } from '../core/hashes.ts'"],
    ['the same folder', 'src/images/x.ts', "import { decode } from './decode.ts'"],
    [
      'the server from the command line',
      'src/cli/commands/x.ts',
      "await import('../../server/listen.ts')",
    ],
    ['anything from the barrel', 'src/index.ts', "export { listen } from './server/listen.ts'"],
    ['a package', 'src/cli/x.ts', "import { Command } from 'commander'"],
    ['the runtime in its own file', 'src/tensor/session.ts', "import ort from 'onnxruntime-node'"],
    ['the environment in its own file', 'src/core/config.ts', 'readConfig(process.env)'],
    [
      'an import that a comment shows',
      'src/core/x.ts',
      "// import '../cli/main.ts'\n/** process.env */",
    ],
  ])('lets pass %s', (_words, path, text) => {
    expect(check(path, text)).toEqual([])
  })

  it('keeps an address in quotes, which looks like a comment', () => {
    expect(withoutComments("a('https://x.org') // b")).toBe("a('https://x.org')  ")
  })
})
