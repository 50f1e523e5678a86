/** ONNX exports are read back as they were: network, head, labels, scaling. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runNetwork } from '../../../test/parity/run-network.ts'
import { TINY_NETWORK, tinyWeights } from '../../../test/support/tiny-network.ts'
import { readOnnx } from '../../backbones/readers/onnx/read-onnx.ts'
import { SCALINGS } from '../../learn/scaling.ts'
import type { ExportedClassifier } from './exported-classifier.ts'
import { encodeOnnx } from './onnx.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-onnx-round-trip-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const HEAD = Float32Array.from({ length: 9 }, (_, at) => at / 9)
const LABELS = ['rot', 'grün', 'blau']

function exportAndRead(changes: Partial<ExportedClassifier> = {}) {
  const path = join(folder, 'model.onnx')
  const classifier: ExportedClassifier = {
    name: 'tiny',
    network: TINY_NETWORK,
    weights: tinyWeights(),
    labels: LABELS,
    views: [{ size: changes.network?.input.size ?? 32, mirrored: false }],
    origin: { backbone: { id: 'tiny', sha256: '', licence: 'Apache-2.0' } },
    ...changes,
  }
  writeFileSync(path, encodeOnnx(classifier))
  return readOnnx(path)
}

describe('an ONNX export that is imported', () => {
  it.each([32, 33, 299])('has the network, labels and scaling of %i pixels', (size) => {
    const network = { ...TINY_NETWORK, input: { size, mean: 127.5, divisor: 127.5 } }
    const read = exportAndRead({ network })
    expect(read.network.input).toEqual(network.input)
    expect(read.network.layers.map(({ op }) => op)).toEqual(network.layers.map(({ op }) => op))
    expect(read.labels).toEqual(LABELS)
    expect(read.knowsScaling).toBe(true)
    for (const [name, { dims, data }] of tinyWeights()) {
      expect(read.weights.get(name)?.dims).toEqual(dims)
      expect(read.weights.get(name)?.data).toEqual(data)
    }
  })

  it.each(SCALINGS)('has a head behind the scaling %s', (scaling) => {
    const head = { scaling, weights: HEAD, bias: Float32Array.of(0.1, 0.2, 0.3) }
    const { network } = exportAndRead({ head })
    const ops = network.layers.map(({ op }) => op)
    const between = { unit: ['unit'], root: ['root', 'unit'], standard: [] }[scaling]
    expect(ops).toEqual(['conv', 'relu', 'global-average-pool', ...between, 'dense'])
    expect(network.outputs['logits']?.width).toBe(3)
  })

  it('looks at the photo and its mirror image', async () => {
    const views = [false, true].map((mirrored) => ({ size: 32, mirrored }))
    const head = { scaling: 'unit', weights: HEAD, bias: Float32Array.of(0.1, 0.2, 0.3) } as const
    const [plain, both] = [exportAndRead({ head }), exportAndRead({ head, views })]
    const logitsOf = async ({ network, weights }: typeof plain, photo: Uint8Array) =>
      (await runNetwork(network, weights, photo))['logits']
    const photo = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * at) % 256)
    const mirrored = photo.map((_, at) => {
      const [row, column, colour] = [Math.floor(at / 96), Math.floor(at / 3) % 32, at % 3]
      return photo[row * 96 + (31 - column) * 3 + colour] ?? 0
    })
    const seen = await logitsOf(both, photo)
    expect(seen).toEqual(await logitsOf(both, mirrored))
    expect(seen).not.toEqual(await logitsOf(plain, photo))
  })

  it('gives the same numbers when it is exported and imported again', () => {
    const first = exportAndRead()
    const second = exportAndRead({ network: first.network, weights: first.weights })
    expect(second.network.layers).toEqual(first.network.layers)
    expect([...second.weights]).toEqual([...first.weights])
  })

  it('keeps another scaling for each colour', () => {
    const input = {
      size: 32,
      mean: [123.675, 116.28, 103.53],
      divisor: [58.395, 57.12, 57.375],
    } as const
    expect(exportAndRead({ network: { ...TINY_NETWORK, input } }).network.input).toEqual(input)
  })

  it('is refused where its views have different sides', () => {
    const views = [32, 64].map((size) => ({ size, mirrored: false }))
    expect(() => exportAndRead({ views })).toThrow('an input of a fixed size')
  })
})
