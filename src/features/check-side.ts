/** Which sides of a photo a network takes beside its own. */
import { VergerError } from '../core/errors.ts'
import { INPUT, type Network } from '../tensor/network.ts'
import { inferShapes, type Shape } from '../tensor/network-shapes.ts'

/** Whether photos of `size` × `size` pixels pass through the network. */
export const takesSide = (network: Network, size: number): boolean =>
  findSideFault(network, size) === undefined

/** Throws `usage_invalid` naming the layer that photos of `size` × `size` pixels do not pass. */
export function checkSide(network: Network, size: number): void {
  const fault = findSideFault(network, size)
  if (fault === undefined) return
  throw new VergerError(
    'usage_invalid',
    `Expected a side that ${network.name} takes, received ${size}: ${fault}`,
    { hint: `Its own side is ${network.input.size} pixels.` },
  )
}

function findSideFault(network: Network, size: number): string | undefined {
  if (size === network.input.size) return undefined
  if (network.input.isFixed === true) return 'it was fitted to photos of its own side'
  const own = inferShapes(network)
  let other: Shape[]
  try {
    other = inferShapes({ ...network, input: { ...network.input, size } })
  } catch (error) {
    return (error as Error).message
  }
  for (const layer of network.layers) {
    if (layer.op !== 'dense' || layer.input === INPUT) continue
    const [wanted, received] = [own[layer.input]?.channels, other[layer.input]?.channels]
    if (wanted !== received)
      return `its layer ${layer.name} reads ${wanted} numbers, not ${received}`
  }
  return undefined
}
