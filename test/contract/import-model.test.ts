/** A classifier that was made elsewhere becomes a backbone and a bundle on it, both or neither. */
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findBackbone, resolveWeights } from '../../dist/backbones/catalog.js'
import { loadClassifier } from '../../dist/bundles/classifier.js'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { type ImportModelPlan, importModel } from '../../dist/importing/import-model.js'
import { openServingHost } from '../../dist/serving/serving-host.js'
import { bundleVersion } from '../../dist/serving/version-source.js'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { photoPath } from '../support/photos.ts'
import { encodeTinyNetwork } from '../support/tiny-network.ts'

const { limits } = readConfig({})
const LABELS = ['red', 'green', 'blue']

let home: string
let path: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-import-'))
  path = join(home, 'tiny.onnx')
  writeFileSync(path, encodeTinyNetwork())
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const run = (plan: Partial<ImportModelPlan> = {}) =>
  importModel({ path, labels: LABELS, ...plan }, { home, limits })

const kept = () => (existsSync(join(home, 'backbones')) ? readdirSync(join(home, 'backbones')) : [])

describe('importing a classifier', () => {
  it('gives a backbone named by the file, and a bundle whose head is its last layer', async () => {
    const { backbone, files, bundle, isNew } = await run()
    expect(isNew).toBe(true)
    expect(backbone).toMatchObject({
      id: expect.stringMatching(/^import-[0-9a-f]{12}$/),
      readAs: 'ONNX',
    })
    expect(kept()).toEqual([backbone.id])
    const { manifest, id } = loadClassifier(files)
    expect(id).toBe(bundle)
    expect(manifest).toMatchObject({
      labels: LABELS,
      backbone: { id: backbone.id, sha256: backbone.model.sha256, features: 3 },
      head: { scaling: 'standard', temperature: 1, unsureBelow: 0 },
      imported: { sha256: sha256(readFileSync(path)), readAs: 'ONNX' },
    })
    expect(manifest.training).toBeUndefined()
  })

  it('answers as the network itself does', async () => {
    const { backbone, files } = await run()
    const photo = photoPath('rgb.png')
    const options = { home, backbone: backbone.id, workers: 1, limits }
    const answers = []
    for (const versions of [{}, { versions: bundleVersion(files) }]) {
      const predictor = openServingHost({ ...options, ...versions })
      const answer = predictor.predict({ source: 'rgb.png', photo, top: 3 })
      answers.push(await answer.finally(() => predictor.close()))
    }
    const [alone, version] = answers.map(({ top }) => new Map(top.map((s) => [s.label, s.score])))
    for (const label of LABELS) {
      expect(version?.get(label)).toBeCloseTo(alone?.get(label) ?? Number.NaN, 5)
    }
  })

  it('gives the same again, without reading the file again', async () => {
    const first = await run()
    const second = await run()
    expect(second).toMatchObject({ isNew: false, bundle: first.bundle })
    expect(second.backbone.createdAt).toBe(first.backbone.createdAt)
  })

  it('takes numbers for names where it may guess', async () => {
    const { labels } = await run({ labels: undefined, guessesLabels: true })
    expect(labels).toEqual(['0', '1', '2'])
  })

  it.each([
    ['labels that are too few', { labels: ['red'] }, 'label_count_differs'],
    ['no labels', { labels: undefined }, 'usage_invalid'],
  ] as const)('keeps nothing where there are %s', async (_words, plan, code) => {
    await expect(run(plan)).rejects.toMatchObject({ code })
    expect(kept()).toEqual([])
  })

  it('keeps nothing of a file that is damaged', async () => {
    writeFileSync(path, readFileSync(path).subarray(0, 500))
    await expect(run()).rejects.toMatchObject({ code: 'model_invalid' })
    expect(kept()).toEqual([])
  })
})

describe('verger models import', () => {
  const KILLS = 5
  const NETWORK = fileURLToPath(new URL('../../weights/efficientnet-lite0.onnx', import.meta.url))
  const LINE = `exec verger models import ${NETWORK} --labels imagenet --register lite/v1`
  let sandbox: Sandbox | undefined
  afterEach(() => sandbox?.remove())

  it(`comes through ${KILLS} kills: a version that has its name can answer`, async () => {
    sandbox = createSandbox()
    const backbones = join(sandbox.folder, 'home/backbones')
    let workMs = 2500
    for (let killed = 0; killed < KILLS; ) {
      const child = sandbox.start(LINE)
      child.stdout?.resume()
      child.stderr?.resume()
      const exit = once(child, 'exit')
      await Promise.race([exit, sleep(workMs * ((killed + Math.random()) / KILLS))])
      if (child.kill('SIGKILL')) killed++
      else workMs *= 0.8
      await exit
      const names = existsSync(backbones) ? readdirSync(backbones) : []
      for (const name of names) {
        // The next run waits four seconds for the lock of a killed one.
        if (name.endsWith('.lock')) utimesSync(join(backbones, name), 0, 0)
        if (!name.startsWith('import-')) continue
        const backbone = findBackbone(name, join(sandbox.folder, 'home'))
        expect(sha256(readFileSync(resolveWeights(backbone)))).toBe(backbone.weights.sha256)
      }
      const { stdout } = await sandbox.run('verger models list --json')
      const models: unknown[] = JSON.parse(stdout)
      if (models.length > 0) expect(names.some((name) => name.startsWith('import-'))).toBe(true)
    }
    expect(await sandbox.run(LINE)).toMatchObject({ exit: 0 })
    const answer = await sandbox.run('verger predict baseline.jpg --model lite --top 1')
    expect(answer).toMatchObject({ exit: 0, stdout: expect.stringContaining('toilet_tissue') })
    expect(readdirSync(backbones)).toEqual(['import-e582c3b1cd76'])
    expect(statSync(join(backbones, 'import-e582c3b1cd76/model.onnx')).size).toBeGreaterThan(1e7)
  }, 120_000)
})
