/** The numbers of a backbone, out of its inference model. */
import { readFile } from 'node:fs/promises'
import { type Backbone, resolveWeights } from '../backbones/catalog.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import type { Weights } from '../tensor/tensor.ts'
import { readWeights } from './inference-graph.ts'

/** Reads and verifies them. Throws `backbone_missing` or `backbone_damaged`. */
export async function readBackboneWeights(backbone: Backbone): Promise<Weights> {
  const path = resolveWeights(backbone)
  const model = await readFile(path)
  const received = sha256(model)
  if (received === backbone.weights.sha256) return readWeights(model)
  throw new VergerError(
    'backbone_damaged',
    `Expected SHA-256 ${backbone.weights.sha256} for the weights of ${backbone.id} at ${path}, received ${received}`,
    { hint: 'Get the backbone again; verger doctor checks the one that ships with Verger.' },
  )
}
