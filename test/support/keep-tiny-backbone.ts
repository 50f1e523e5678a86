/** Puts the tiny network into a home, as a backbone that computes in no time. */
import { keepModel } from '../../dist/backbones/kept-backbones.js'
import { sha256 } from '../../dist/core/hashes.js'
import { encodeTinyNetwork, TINY_NETWORK } from './tiny-network.ts'

export async function keepTinyBackbone(
  home: string,
  { id = 'tiny', gain = 1, labels = [] }: { id?: string; gain?: number; labels?: string[] } = {},
): Promise<void> {
  const model = encodeTinyNetwork(gain)
  await keepModel(
    home,
    {
      ...{ format: 1, id, architecture: id, network: TINY_NETWORK, labels },
      model: { sha256: sha256(model), sizeBytes: model.length },
      source: { location: 'tiny.onnx', sha256: 'a'.repeat(64), sizeBytes: 7 },
      ...{ licence: 'CC0', readAs: 'ONNX', notes: [], createdAt: '2026-11-22T12:00:00.000Z' },
    },
    model,
  )
}
