/** What is known while one graph is read, and what has been made of it so far. */
import { INPUT, type LayerId, type PerChannel } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import type { Scaling } from '../foreign/input-scaling.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { NetworkDraft } from '../foreign/network-draft.ts'
import { plainNumber } from '../foreign/plain-number.ts'
import type { Budget, Constant } from './constant.ts'
import type { Call } from './evaluate.ts'
import { withColoursReversed } from './photo-call.ts'
import type { Axis, LayerValue, Photo, Value } from './value.ts'

const ALL_AXES: readonly Axis[] = ['n', 'h', 'w', 'c']

/** A kernel that gives blue, green and red of red, green and blue. */
const BLUE_FIRST: FloatTensor = {
  dims: [3, 3, 1, 1],
  data: Float32Array.of(0, 0, 1, 0, 1, 0, 1, 0, 0),
}

export class Reading {
  readonly budget: Budget
  /** Gives the value of a variable, by the node that makes it. */
  readonly loadVariable: (name: string) => Constant
  readonly notes = new Set<string>()
  #draft: NetworkDraft | undefined
  /** The photo as it entered the network first. */
  #entered: Photo | undefined

  constructor(budget: Budget, loadVariable: (name: string) => Constant) {
    this.budget = budget
    this.loadVariable = loadVariable
  }

  /** The network, which begins where a photo first meets an operator of one. */
  get draft(): NetworkDraft {
    if (this.#draft !== undefined) return this.#draft
    throw unsupportedModel('Expected a network that reads photos, received one that reads none')
  }

  /** Where levels are what entered, how the graph scales them. */
  get scaling(): Scaling | undefined {
    const photo = this.#entered
    if (photo?.areLevels !== true) return undefined
    const divisor = photo.scale.map((scale) => plainNumber(1 / scale))
    return {
      divisor: perChannel(divisor),
      mean: perChannel(photo.offset.map((offset, at) => plainNumber(-offset * divisor[at]!))),
    }
  }

  /** What the graph did to a photo before the network. */
  get steps(): readonly string[] {
    return this.#entered?.steps ?? []
  }

  /** The photo as the input of the network. */
  settle(current: Photo, { place, node }: Call): LayerValue {
    // Levels enter in the order red, green, blue, whatever the network wants to see.
    const photo = current.isBlueFirst ? withColoursReversed(current) : current
    const { axes, height, width, stage } = photo
    if (stage !== 'pixels') {
      throw unsupportedModel(`${place}: expected a decoded photo, received its bytes`)
    }
    if (axes.length !== 4 || ALL_AXES.some((axis) => !axes.includes(axis))) {
      throw unsupportedModel(`${place}: expected a batch of photos, received axes ${axes.join()}`)
    }
    if (height === undefined || width === undefined) {
      throw unsupportedModel(
        `${place}: expected photos of a size that the graph tells, received any size`,
      )
    }
    if (
      photo.scale.some((scale) => !Number.isFinite(scale) || scale === 0) ||
      photo.offset.some((offset) => !Number.isFinite(offset))
    ) {
      throw unsupportedModel(`${place}: expected a scaling by known numbers, received another`)
    }
    this.#draft ??= new NetworkDraft(height, width)
    this.#entered ??= photo
    const first = this.#entered
    if (first.input !== photo.input || first.height !== height) {
      throw unsupportedModel(
        `${place}: expected one input, received '${first.input}' and '${photo.input}', or two sizes`,
      )
    }
    const base = first.areLevels ? first : { scale: [1, 1, 1], offset: [0, 0, 0] }
    const scale = photo.scale.map((factor, at) => factor / base.scale[at]!)
    const offset = photo.offset.map((value, at) => value - base.offset[at]! * scale[at]!)
    let layer = this.scaled(`${node.name}/input`, INPUT, scale, offset)
    if (current.isBlueFirst) {
      const options = { input: layer, stride: 1, padding: 'valid', groups: 1 } as const
      layer = this.draft.conv(`${node.name}/blue-first`, options, BLUE_FIRST)
    }
    if (photo.mirrored) layer = this.draft.add({ op: 'mirror', input: layer }, place)
    return { kind: 'layer', layer, axes }
  }

  /** `x · scale + offset` per channel, where that changes anything. */
  scaled(
    node: string,
    layer: LayerId,
    scale: readonly number[],
    offset: readonly number[],
  ): LayerId {
    const isNothing = (factors: readonly number[], offsets: readonly number[]) =>
      factors.every((factor) => factor === 1) && offsets.every((value) => value === 0)
    if (isNothing(scale, offset)) return layer
    const before = layer === INPUT ? undefined : this.draft.layers[layer]
    if (before?.op === 'scale') {
      const [factors, offsets] = ['scale', 'offset'].map(
        (which) => this.draft.weights.get(`${before.name}/${which}`)!.data,
      ) as [Float32Array, Float32Array]
      // One that takes the other back.
      const both = scale.map((factor, at) => factor * factors[at]!)
      const moved = scale.map((factor, at) => factor * offsets[at]! + offset[at]!)
      if (isNothing(both.map(plainNumber), moved)) return before.input
    }
    return this.draft.scale(node, layer, scale, offset)
  }

  /** The shape of a value; NaN where it depends on the photos. */
  dims(value: Value): number[] {
    switch (value.kind) {
      case 'constant':
      case 'texts':
        return [...value.dims]
      case 'photo':
        return value.axes.map(
          (axis) => ({ n: Number.NaN, c: 3, h: value.height, w: value.width })[axis] ?? Number.NaN,
        )
      case 'layer': {
        const { channels, height = 1, width = 1 } = this.draft.shape(value.layer)
        return value.axes.map((axis) => ({ n: Number.NaN, c: channels, h: height, w: width })[axis])
      }
      default:
        return []
    }
  }
}

function perChannel(values: readonly number[]): PerChannel {
  const [red = 0, green = 0, blue = 0] = values.map((value) => value + 0)
  return red === green && green === blue ? red : [red, green, blue]
}
