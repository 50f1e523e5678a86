/** What is wrong with a network that was stored as JSON. */
import { INPUT, type Network } from './network.ts'
import { inferShapes } from './network-shapes.ts'

/** Names the first thing that is not as `Network` describes it; undefined where everything is. */
export function findNetworkFault(value: unknown): string | undefined {
  const { name, input, layers, outputs } = (value ?? {}) as Partial<Network>
  if (typeof name !== 'string' || !Array.isArray(layers)) return 'a network without name or layers'
  if (!Number.isSafeInteger(input?.size) || Number(input?.size) < 1) return 'no side of the input'
  if (![input?.mean, input?.divisor].every(isPerChannel)) return 'no scaling of the input'
  if (typeof outputs !== 'object' || outputs === null) return 'no outputs'
  const network = value as Network
  try {
    const shapes = inferShapes(network)
    for (const [output, { layer, width }] of Object.entries(outputs)) {
      const shape = layer === INPUT ? undefined : shapes[layer]
      if (shape?.channels !== width || shape.height !== undefined) {
        return `the output ${output} of ${width} features, which layer ${layer} does not give`
      }
    }
  } catch (error) {
    return `layers that do not fit: ${(error as Error).message}`
  }
  return undefined
}

const isPerChannel = (value: unknown): boolean =>
  Number.isFinite(value) ||
  (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite))
