import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findBackbone, resolveWeights } from '../backbones/catalog.ts'
import { withFeatures } from '../backbones/inner-features.ts'
import { loadSession } from '../tensor/session.ts'
import { encodeInferenceGraph, readWeights } from './inference-graph.ts'
import { findInnerBackbone } from './inner-backbone.ts'

const home = mkdtempSync(join(tmpdir(), 'verger-inner-'))
afterAll(() => rmSync(home, { recursive: true }))
const whole = findBackbone('efficientnet-lite0')
const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, at) => (at * 37) % 256)

async function features(model: string | Uint8Array): Promise<Float32Array> {
  const session = await loadSession(model)
  const outputs = await session.run({ data, dims: [1, 30, 40, 3] }, ['features'])
  await session.close()
  return outputs['features'] ?? new Float32Array()
}

describe('findInnerBackbone', () => {
  it('keeps the part up to a layer, with the features that the whole network has there', async () => {
    const inner = await findInnerBackbone(home, whole, 'block8/expand')
    expect(inner.id).toBe('efficientnet-lite0-block8-expand')
    expect(findBackbone(inner.id, home)).toEqual(inner)
    expect(inner.network.outputs).toEqual({ features: expect.objectContaining({ width: 480 }) })
    expect(inner.weights.sizeBytes).toBeLessThan(whole.weights.sizeBytes / 3)
    const network = withFeatures(whole.network, 'block8/expand')
    const weights = readWeights(readFileSync(resolveWeights(whole)))
    const expected = await features(encodeInferenceGraph(network, weights))
    expect(expected).toHaveLength(480)
    expect(await features(inner.weights.path)).toEqual(expected)
  })

  it('keeps the same one once', async () => {
    const first = await findInnerBackbone(home, whole, 'block2')
    const path = join(home, 'backbones', first.id, 'backbone.json')
    const before = readFileSync(path, 'utf8')
    expect((await findInnerBackbone(home, whole, 'block2')).id).toBe(first.id)
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  it('refuses a backbone in 8 bit, and says which one to take', async () => {
    const observed = { input: { min: 0, max: 1 }, layers: [], means: [] }
    const rounded = { ...whole, id: 'rounded', quantization: { from: whole.id, observed } }
    await expect(findInnerBackbone(home, rounded, 'block2')).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringMatching(
        /in float32 for features of its layer block2, received rounded/,
      ),
      hint: 'Take efficientnet-lite0.',
    })
  })
})
