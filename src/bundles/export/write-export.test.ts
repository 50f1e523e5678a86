import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TINY_NETWORK, tinyWeights } from '../../../test/support/tiny-network.ts'
import type { Network } from '../../tensor/network.ts'
import type { Weights } from '../../tensor/tensor.ts'
import { EXPORT_FORMATS } from './export-formats.ts'
import type { ExportedClassifier } from './exported-classifier.ts'
import { writeExport } from './write-export.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-write-export-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const classifierWith = (weights: Weights): ExportedClassifier => ({
  name: 'tiny',
  network: TINY_NETWORK,
  weights,
  labels: ['rot', 'grün', 'blau'],
  views: [{ size: 32, mirrored: false }],
  origin: { backbone: { id: 'tiny', sha256: '', licence: 'Apache-2.0' } },
})
const filesOf = (path: string) =>
  (readdirSync(path, { recursive: true, encoding: 'utf8' }) as string[]).sort()

describe.each(EXPORT_FORMATS)('an export as %s', (format) => {
  it('has the files that are announced, of the size that is announced', async () => {
    const out = join(folder, 'deep', 'out')
    const written = await writeExport(classifierWith(tinyWeights()), format, out)
    expect(written.length).toBeGreaterThan(0)
    for (const { name, sizeBytes } of written) {
      expect(readFileSync(join(out, name))).toHaveLength(sizeBytes)
    }
    const folders = format === 'saved-model' ? ['assets.extra', 'variables'] : []
    expect(filesOf(out)).toEqual([...written.map(({ name }) => name), ...folders].sort())
  })

  it('goes into an empty folder', async () => {
    const out = join(folder, 'empty')
    mkdirSync(out)
    await writeExport(classifierWith(tinyWeights()), format, out)
    expect(filesOf(out).length).toBeGreaterThan(0)
  })

  it('never replaces what is there', async () => {
    const out = join(folder, 'full')
    mkdirSync(out)
    writeFileSync(join(out, 'mine.txt'), 'mine')
    const writing = writeExport(classifierWith(tinyWeights()), format, out)
    await expect(writing).rejects.toMatchObject({ code: 'export_exists' })
    expect(filesOf(folder)).toEqual(['full', 'full/mine.txt'])
  })

  it('refuses more than 2 GiB, and leaves nothing behind', async () => {
    // Memory that is asked for and never touched.
    const huge = { dims: [2 ** 29], data: new Float32Array(new ArrayBuffer(2 ** 31)) }
    const network: Network = {
      ...TINY_NETWORK,
      layers: TINY_NETWORK.layers.map((layer) =>
        layer.op === 'dense' ? { ...layer, units: 2 ** 29 / 4 } : layer,
      ),
    }
    const { kernel, bias } = { kernel: 'logits/kernel', bias: 'logits/bias' }
    const weights = new Map(tinyWeights())
      .set(kernel, { ...huge, dims: [2 ** 27, 3], data: huge.data.subarray(0, 3 * 2 ** 27) })
      .set(bias, { dims: [2 ** 27], data: huge.data.subarray(0, 2 ** 27) })
    const classifier = { ...classifierWith(weights), network }
    const writing = writeExport(classifier, format, join(folder, 'out'))
    await expect(writing).rejects.toMatchObject({ code: 'export_too_large' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves nothing behind where a weight is missing', async () => {
    const weights = new Map(tinyWeights())
    weights.delete('logits/bias')
    const writing = writeExport(classifierWith(weights), format, join(folder, 'out'))
    await expect(writing).rejects.toMatchObject({ code: 'backbone_damaged' })
    await expect(writing).rejects.toThrow('tiny expects the weight logits/bias of shape [3]')
    expect(readdirSync(folder)).toEqual([])
  })
})

it('says in assets.extra what a SavedModel is made of', async () => {
  await writeExport(classifierWith(tinyWeights()), 'saved-model', join(folder, 'out'))
  const text = readFileSync(join(folder, 'out/assets.extra/verger.json'), 'utf8')
  expect(JSON.parse(text)).toMatchObject({
    name: 'tiny',
    licence: 'Apache-2.0',
    preprocessing: { mean: [0, 0, 0], divisor: [255, 255, 255], squash: 'pillow-bicubic' },
    labels: ['rot', 'grün', 'blau'],
  })
})
