/** Which photos come when, and how each is changed: all of it follows from the seed and the number of the step. */
import { sha256 } from '../../core/hashes.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import type { PhotoToAugment } from '../../features/augmented-photos.ts'
import { type Augmentation, drawAugmentation } from '../../images/augment.ts'
import { createRandom, type Random } from '../../learn/random.ts'

export interface BatchPlan {
  readonly photos: readonly ScannedPhoto[]
  /** Rows of `photos`, each of which comes once in an epoch. */
  readonly learn: readonly number[]
  readonly batchSize: number
  readonly seed: number
}

/** A photo of a batch. */
export interface Turn {
  readonly row: number
  readonly epoch: number
}

/** Rows of a step. An epoch may end within a batch: the next one begins there. */
export function turnsOf(
  { learn, batchSize, seed }: Omit<BatchPlan, 'photos'>,
  step: number,
): Turn[] {
  const orders = new Map<number, readonly number[]>()
  return Array.from({ length: batchSize }, (_, place) => {
    const position = step * batchSize + place
    const epoch = Math.floor(position / learn.length)
    const order = orders.get(epoch) ?? randomOf(seed, 'order', epoch).shuffle([...learn])
    orders.set(epoch, order)
    return { row: order[position % learn.length] ?? 0, epoch }
  })
}

/** How a photo of this hash is changed in an epoch, counted from 0: whatever other photos there are. */
export const augmentationOf = (seed: number, epoch: number, sha256: string): Augmentation =>
  drawAugmentation(randomOf(seed, 'photo', epoch, sha256))

/** Loads what has to be loaded, and says how each photo is changed. */
export function toAugment(
  { photos, seed }: Pick<BatchPlan, 'photos' | 'seed'>,
  turns: readonly Turn[],
): Promise<PhotoToAugment[]> {
  return Promise.all(
    turns.map(async ({ row, epoch }) => {
      const photo = photos[row]
      if (photo === undefined) throw new RangeError(`Expected a photo in row ${row}`)
      const { load, sha256: hash } = photo
      return {
        photo: typeof load === 'string' ? load : await load(),
        sha256: hash,
        augmentation: augmentationOf(seed, epoch, hash),
      }
    }),
  )
}

/** Bytes of a hash that fill the 53 bits of a seed as far as they are whole. */
const SEED_BYTES = 6

const randomOf = (...parts: readonly (string | number)[]): Random =>
  createRandom(Number.parseInt(sha256(Buffer.from(parts.join('/'))).slice(0, 2 * SEED_BYTES), 16))
