/** Exports are read back as they were: network, labels, scaling. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runNetwork } from '../../../test/parity/run-network.ts'
import { TINY_NETWORK, tinyWeights } from '../../../test/support/tiny-network.ts'
import { readSavedModel } from '../../backbones/readers/saved-model/read-saved-model.ts'
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
})
