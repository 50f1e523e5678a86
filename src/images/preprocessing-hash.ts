/** Names the definition of preprocessing, so that what was computed under another one is never mistaken for it. */
import { sha256 } from '../core/hashes.ts'
import type { NetworkInput } from '../tensor/network.ts'

/** Raised with every change to `decode.ts` or `preprocess-graph.ts` that moves a pixel. */
const DEFINITION = 1

/** SHA-256 of the definition for one network. */
export function preprocessingHash({ mean, divisor }: NetworkInput): string {
  return sha256(
    Buffer.from(
      JSON.stringify({ definition: DEFINITION, squash: 'pillow-bicubic', mean, divisor }),
    ),
  )
}
