import { unsupportedModel } from '../foreign/model-errors.ts'
import type { Call } from './evaluate.ts'
import type { Photo, Value } from './value.ts'

/**
 * One value for several that are chosen by what a photo holds, e.g. one for each image format. Those that cannot be
 * followed do not matter where one can. Throws `model_unsupported` where they differ.
 */
export function joinValues(values: readonly Value[], { place }: Call): Value {
  const alive = values.filter(({ kind }) => kind !== 'dead')
  const followed = alive.filter(({ kind }) => kind !== 'refused')
  const [first] = followed
  if (first === undefined) return alive[0] ?? { kind: 'dead' }
  if (first.kind === 'constant') {
    const constants = followed.filter((value) => value.kind === 'constant')
    const sameShape = constants.every(({ dims }) => dims.join() === first.dims.join())
    if (constants.length === followed.length && sameShape) {
      const data = first.data.map((value, at) =>
        constants.every((other) => other.data[at] === value) ? value : Number.NaN,
      )
      return { ...first, data }
    }
  }
  const photos = followed.filter((value) => value.kind === 'photo')
  const [photo] = photos
  // What is not a photo beside photos is what stands for one that could not be read.
  if (
    photo !== undefined &&
    followed.every(({ kind }) => ['photo', 'texts', 'constant'].includes(kind))
  ) {
    const facts = ({ stage, scale, offset, height, width, mirrored, isBlueFirst }: Photo) =>
      [stage, ...scale, ...offset, height, width, mirrored, isBlueFirst].join()
    if (photos.every((other) => facts(other) === facts(photo))) {
      return { ...photo, steps: [...new Set(photos.flatMap(({ steps }) => steps))] }
    }
  }
  if (followed.every((value) => JSON.stringify(value) === JSON.stringify(first))) return first
  throw unsupportedModel(`${place}: expected ways that lead to the same, received different ones`)
}
