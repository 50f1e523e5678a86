/** Small classifiers made with the `onnx` package compute the same in Verger's terms as in ONNX Runtime for Python. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readOnnx } from '../../src/backbones/readers/onnx/read-onnx.ts'
import { runPython } from './python.ts'
import { relativeDifference, runNetwork } from './run-network.ts'

interface Made {
  readonly photo: readonly number[]
  readonly scaled: boolean
  readonly output: readonly number[]
  readonly ends: 'logits' | 'softmax' | 'log-softmax'
}

const NAMES = [
  'mobile',
  'old',
  'channels-last',
  'channels-last-flat',
  'branches',
  'activations',
  'gelu-taken-apart',
  'gates',
  'channel-by-channel',
  'bytes',
  'halves',
  'beside',
  'windows',
  'integers',
  'quantized',
  'of-one-length',
  'convolutional',
]

let folder: string
let models: Record<string, Made>
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verger-onnx-'))
  models = (await runPython('onnx_models.py', [folder])) as Record<string, Made>
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the graph gives, of the logits that Verger keeps. */
function endOf(logits: Float32Array, ends: Made['ends']): Float32Array {
  if (ends === 'logits') return logits
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return logits.map((logit) => (ends === 'softmax' ? Math.exp(logit) / sum : logit - Math.log(sum)))
}

it('is checked with every model that Python makes', () => {
  expect(Object.keys(models).sort()).toEqual([...NAMES].sort())
})

it.each(NAMES)('computes what ONNX Runtime computes: %s', async (name) => {
  const made = models[name]
  if (made === undefined) throw new Error(`Python made no ${name}`)
  const { photo, scaled, output, ends } = made
  const { network, weights, knowsScaling } = readOnnx(join(folder, `${name}.onnx`))
  // A graph without scaling is fed with the guess that Verger makes.
  expect(knowsScaling).toBe(scaled)
  const { logits } = await runNetwork(network, weights, Uint8Array.from(photo))
  // In 8 bit a number in the middle between two steps may fall to either.
  const tolerance = name === 'quantized' ? 5e-3 : 1e-4
  const difference = relativeDifference(endOf(logits ?? new Float32Array(), ends), output)
  expect(difference).toBeLessThan(tolerance)
})
