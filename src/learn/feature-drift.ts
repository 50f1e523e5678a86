/**
 * How far the photos that are asked about have moved from the training photos, by the statistics that a bundle holds for
 * its rejection: their coordinates `z`, which scatter around `centre` with the variances `background` in training.
 *
 * `shift` is the squared Mahalanobis distance of the mean of the recent photos from that of the training photos
 * (Hotelling 1931), without what chance alone adds to a mean of so few photos, as a share of the distance of a single
 * training photo. `spread` is that of one photo from the centre, as a share of what training photos have on average.
 * That means of reduced features show most shifts that matter: Rabanser, Günnemann and Lipton 2019, "Failing Loudly".
 */
import type { RejectionModel } from './rejection.ts'

/** Photos that count as recent: a photo weighs half as much once about 350 more have come. */
const RECENT_PHOTOS = 500

export class FeatureDrift {
  readonly #model: RejectionModel
  /** Weighted mean of the recent photos, relative to the centre: `[dimensions]`. */
  readonly #mean: Float64Array
  #photos = 0
  /** Sum of the squared weights: the variance of the mean as a share of that of one photo. */
  #chance = 0

  constructor(model: RejectionModel) {
    this.#model = model
    this.#mean = new Float64Array(model.dimensions)
  }

  /** Takes in the coordinates `[dimensions]` of a photo and gives its spread: 1 is what training photos have on average. */
  add(z: Float64Array): number {
    const { dimensions, centre, background } = this.#model
    this.#photos++
    const weight = 1 / Math.min(this.#photos, RECENT_PHOTOS)
    this.#chance = (1 - weight) ** 2 * this.#chance + weight ** 2
    let sum = 0
    for (let i = 0; i < dimensions; i++) {
      const from = z[i]! - centre[i]!
      sum += from ** 2 / background[i]!
      this.#mean[i]! += weight * (from - this.#mean[i]!)
    }
    return sum / dimensions
  }

  /** 0 where the recent photos lie around the centre of the training photos, 1 where their mean is as far as a photo is. */
  get shift(): number {
    const { dimensions, background } = this.#model
    if (this.#photos === 0) return 0
    let sum = 0
    for (let i = 0; i < dimensions; i++) sum += this.#mean[i]! ** 2 / background[i]!
    return Math.max(0, sum / dimensions - this.#chance)
  }
}
