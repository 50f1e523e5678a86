/** Ways to look at a photo: the sides at which it enters the network, and its mirror image. */

export interface View {
  /** Side of the network's input in pixels. */
  readonly size: number
  readonly mirrored: boolean
}
