import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { findBackbone, resolveWeights } from '../backbones/catalog.ts'
import { decodePhoto } from '../images/decode.ts'
import { loadSession, type Session } from '../tensor/session.ts'
import golden from './golden-views.json' with { type: 'json' }
import { resizeInferenceGraph } from './inference-graph.ts'

const backbone = findBackbone('efficientnet-lite0')
const { network } = backbone
const model = readFileSync(resolveWeights(backbone))
const photo = readFileSync(new URL('../../test/fixtures/photos/rgb.png', import.meta.url))
const sessions: Session[] = []
afterAll(async () => {
  for (const session of sessions) await session.close()
})

async function featuresAt(graph: Uint8Array, size: number): Promise<Float32Array> {
  const session = await loadSession(graph)
  sessions.push(session)
  const { data, width, height } = await decodePhoto(photo, { size, maxPixels: 1e6 })
  const outputs = await session.run({ data, dims: [1, height, width, 3] }, ['features'])
  return outputs['features'] ?? new Float32Array()
}

describe('the model for photos of another side', () => {
  it.each(golden)('agrees with onnxruntime in Python at $size px', async ({ size, features }) => {
    const found = await featuresAt(resizeInferenceGraph(model, network, size), size)
    expect(found).toHaveLength(features.length)
    const errors = features.map((value, i) => Math.abs(value - (found[i] ?? NaN)))
    expect(Math.max(...errors)).toBeLessThan(2e-3)
    expect(Math.max(...features)).toBeGreaterThan(0.5)
  })

  it('is the model itself at its own side', async () => {
    const same = await featuresAt(resizeInferenceGraph(model, network, 224), 224)
    expect(same).toEqual(await featuresAt(model, 224))
  })

  it('leaves the model it was made from as it was', () => {
    const copy = Uint8Array.from(model)
    resizeInferenceGraph(copy, network, 288)
    expect(Buffer.compare(copy, model)).toBe(0)
  })
})
