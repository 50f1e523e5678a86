/** Exports are read back as they were: network, labels, scaling. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runNetwork } from '../../../test/parity/run-network.ts'
import { TINY_NETWORK, tinyWeights } from '../../../test/support/tiny-network.ts'
import { readSavedModel } from '../../backbones/readers/saved-model/read-saved-model.ts'
import { transformFeatures } from '../../learn/scaling.ts'
import type { Network } from '../../tensor/network.ts'
import type { Weights } from '../../tensor/tensor.ts'
import type { ExportedClassifier } from './exported-classifier.ts'
import { encodeSavedModel } from './saved-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-round-trip-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LABELS = ['rot', 'grün', 'blau']

let count = 0
/** Writes the export of a classifier and reads it. */
function exportAndRead(changes: Partial<ExportedClassifier> = {}) {
  const path = join(folder, String(count++))
  mkdirSync(path)
  const classifier: ExportedClassifier = {
    name: 'tiny',
    network: TINY_NETWORK,
    weights: tinyWeights(),
    labels: LABELS,
    views: [{ size: 32, mirrored: false }],
    origin: { backbone: { id: 'tiny', sha256: '', licence: 'Apache-2.0' } },
    ...changes,
  }
  const pieces = encodeSavedModel(classifier).map(({ read }) => read())
  writeFileSync(join(path, 'saved_model.pb'), Buffer.concat(pieces))
  return readSavedModel(path)
}

const photo = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * 37) % 256)
const logitsOf = async (network: Network, weights: Weights) =>
  (await runNetwork(network, weights, photo))['logits']

describe('an export that is imported', () => {
  it('has the network, the labels and the scaling that were exported', async () => {
    const { network, weights, labels, knowsScaling, notes } = exportAndRead()
    expect(labels).toEqual(LABELS)
    expect(knowsScaling).toBe(true)
    expect(network.input).toEqual(TINY_NETWORK.input)
    expect(network.layers.map(({ op }) => op)).toEqual(TINY_NETWORK.layers.map(({ op }) => op))
    expect(await logitsOf(network, weights)).toEqual(await logitsOf(TINY_NETWORK, tinyWeights()))
    expect(notes.join(' ')).not.toContain('differ')
  })

  it('gives the same numbers when it is exported and imported again', async () => {
    const first = exportAndRead()
    const second = exportAndRead({ network: first.network, weights: first.weights })
    expect(second.network.layers).toEqual(first.network.layers)
    expect([...second.weights.values()]).toEqual([...first.weights.values()])
    expect(await logitsOf(second.network, second.weights)).toEqual(
      await logitsOf(first.network, first.weights),
    )
  })

  it('keeps another scaling for each colour', () => {
    const input = {
      size: 32,
      mean: [123.675, 116.28, 103.53],
      divisor: [58.395, 57.12, 57.375],
    } as const
    const { network } = exportAndRead({ network: { ...TINY_NETWORK, input } })
    expect(network.input).toEqual(input)
  })

  it.each([
    ['standard', false],
    ['unit', false],
    ['root', true],
  ] as const)(
    'gives the probabilities of a trained head: %s, mirrored too: %s',
    async (scaling, mirrored) => {
      const head = {
        scaling,
        weights: Float32Array.of(3, -1, 0.5, 1, -2, 0.25, 0.5, 2, -1),
        bias: Float32Array.of(0.1, -0.2, 0.3),
      }
      const views = [false, ...(mirrored ? [true] : [])].map((side) => ({
        size: 32,
        mirrored: side,
      }))
      const { network, weights, labels } = exportAndRead({ head, views })
      expect(labels).toEqual(LABELS)
      expect(network.outputs['features']?.width).toBe(3)
      const features = await Promise.all(
        views.map(async (view) => {
          const seen = view.mirrored ? mirror(photo) : photo
          return (await runNetwork(TINY_NETWORK, tinyWeights(), seen))['features'] ?? []
        }),
      )
      const mean = [0, 1, 2].map(
        (at) => features.reduce((sum, one) => sum + (one[at] ?? 0), 0) / views.length,
      )
      const unit = transformFeatures(Float32Array.from(mean), 3, scaling)
      const expected = [0, 1, 2].map((label) =>
        unit.reduce(
          (sum, x, at) => sum + x * (head.weights[at * 3 + label] ?? 0),
          head.bias[label] ?? 0,
        ),
      )
      const logits = await logitsOf(network, weights)
      for (const [at, value] of expected.entries()) expect(logits?.[at]).toBeCloseTo(value, 5)
    },
  )
})

/** Left and right exchanged. */
function mirror(pixels: Uint8Array): Uint8Array {
  return Uint8Array.from(pixels, (_level, at) => {
    const [row, column, colour] = [Math.floor(at / 96), Math.floor(at / 3) % 32, at % 3]
    return pixels[row * 96 + (31 - column) * 3 + colour] ?? 0
  })
}
