/** Ways to look at a photo: the sides at which it enters the network, and its mirror image. */

export interface View {
  /** Side of the network's input in pixels. */
  readonly size: number
  readonly mirrored: boolean
}

/** Sets of views by name; the features of a photo are their mean over the set. */
export const VIEW_SETS = ['plain', 'mirrored', 'multi-scale'] as const
export type ViewSet = (typeof VIEW_SETS)[number]

/** Sides of `multi-scale`: that of large photos, and a closer look. */
const SCALES = [288, 448]

/** Views of a set; `size` is the side of `plain` and `mirrored`. */
export function viewsOf(set: ViewSet, size: number): View[] {
  const sizes = set === 'multi-scale' ? SCALES : [size]
  const sides = set === 'plain' ? [false] : [false, true]
  return sizes.flatMap((each) => sides.map((mirrored) => ({ size: each, mirrored })))
}

/** `224 px`, `288 px, mirrored too`, `288 and 448 px, mirrored too`. */
export function describeViews(views: readonly View[]): string {
  const sizes = [...new Set(views.map(({ size }) => size))]
  const listed = new Intl.ListFormat('en', { type: 'conjunction' }).format(sizes.map(String))
  return `${listed.replace(', and', ' and')} px${views.some(({ mirrored }) => mirrored) ? ', mirrored too' : ''}`
}
