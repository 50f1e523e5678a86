/** Whether a backbone can name what it sees. */
import { VergerError } from '../core/errors.ts'
import type { Backbone } from './catalog.ts'

/** Throws `backbone_unnamed`: a backbone that was kept for its features has no classes of its own. */
export function requireClassNames({ id, labels, network }: Backbone): void {
  if (labels.length > 0 && labels.length === network.outputs['logits']?.width) return
  throw new VergerError(
    'backbone_unnamed',
    `Expected a backbone with a classifier and the names of its classes, received ${id}, which has ${labels.length} names`,
    {
      hint: `Train a classifier on its features: verger train DATASET --backbone ${id}; or import it again with --labels.`,
    },
  )
}
