/** Takes the scaling of levels at the front of a foreign graph into the network's input. */
import {
  INPUT,
  inputsOf,
  type NetworkInput,
  type PerChannel,
  toChannels,
} from '../../../tensor/network.ts'
import { plainNumber } from './plain-number.ts'
import { type DraftGraph, rewrite } from './rewrite.ts'

/** `(level − mean) / divisor` for levels 0 to 255. */
export type Scaling = Pick<NetworkInput, 'mean' | 'divisor'>

/** Levels as they are, and levels as shares of the brightest. */
const LEVELS: Scaling = { mean: 0, divisor: 1 }
const SHARES: Scaling = { mean: 0, divisor: 255 }
/** Most networks of TensorFlow were trained on −1 to 1; a guess that the user confirms or corrects. */
const GUESS: Scaling = { mean: 127.5, divisor: 127.5 }

/**
 * Gives the scaling that a network needs. `told` is what the file says beside its graph about what enters the graph.
 * A scale right after the input, which comes before any padding, becomes a part of it where what enters is known: it is
 * told, or can be seen from the scale itself. Elsewhere the scale stays, and `knows` is false.
 */
export function takeInputScaling(
  graph: DraftGraph,
  told: Scaling | undefined,
): { graph: DraftGraph; scaling: Scaling; knows: boolean; note?: string } {
  const readers = graph.layers.filter((layer) => inputsOf(layer).includes(INPUT))
  const [first] = readers
  if (first?.op !== 'scale' || readers.length !== 1 || graph.output === INPUT) {
    return { graph, scaling: told ?? GUESS, knows: told !== undefined }
  }
  const [factors, offsets] = ['scale', 'offset'].map((which) =>
    Array.from(graph.weights.get(`${first.name}/${which}`)!.data),
  ) as [number[], number[]]
  const inner = {
    mean: factors.map((factor, at) => -offsets[at]! / factor),
    divisor: factors.map((factor) => 1 / factor),
  }
  const outer = told ?? recognise(inner)
  if (outer === undefined || ![...inner.mean, ...inner.divisor].every(Number.isFinite)) {
    return { graph, scaling: told ?? GUESS, knows: told !== undefined }
  }
  const [mean, divisor] = [toChannels(outer.mean), toChannels(outer.divisor)]
  const scaling = {
    mean: perChannel(mean.map((value, at) => value + inner.mean[at]! * divisor[at]!)),
    divisor: perChannel(divisor.map((value, at) => value * inner.divisor[at]!)),
  }
  const without = rewrite(graph, (layer, replay) =>
    layer.op === 'scale' && layer.name === first.name ? INPUT : replay.add(layer),
  )
  const note = `The scaling of the photo inside the graph (${first.name}) was taken into the preprocessing: ${describeScaling(scaling)}.`
  return { graph: without, scaling, knows: true, note }
}

/** What enters a scale, by the numbers that it subtracts and divides by: levels, or shares of 255. */
function recognise({ mean, divisor }: { mean: number[]; divisor: number[] }): Scaling | undefined {
  const sizes = divisor.map(Math.abs)
  // 1/255, 1/127.5 or the deviation of levels (about 60), and what is 0 to 1 afterwards is never divided by as much.
  if (sizes.every((size) => size >= 16)) return LEVELS
  // The mean colour of levels alone, as VGG and the first ResNets subtract it.
  if (sizes.every((size) => size === 1) && mean.every((value) => value >= 16)) return LEVELS
  // The mean and deviation of shares: 0.485 and 0.229, or 0.5 and 0.5.
  if (sizes.every((size) => size < 1) && mean.every((value) => value > 0 && value < 1))
    return SHARES
  return undefined
}

export function describeScaling({ mean, divisor }: Scaling): string {
  const words = (value: PerChannel) =>
    toChannels(value)
      .map((number) => Number(number.toPrecision(6)))
      .filter((number, at, all) => at === 0 || number !== all[0])
      .join(', ')
  return `(level − ${words(mean)}) / ${words(divisor)}`
}

function perChannel(values: readonly number[]): PerChannel {
  const [red = 0, green = 0, blue = 0] = values.map((value) =>
    value === 0 ? 0 : plainNumber(value),
  )
  return red === green && green === blue ? red : [red, green, blue]
}
