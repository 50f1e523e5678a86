/** Which photos `sample-fruits` has, and what stands on each. */
import { FRUIT_KINDS, type FruitKind, ICON_SETS, type IconSet, iconNames } from './icon-sets.ts'
import { planScene } from './plan-scene.ts'
import { Random } from './random.ts'
import type { Scene } from './scene.ts'

export interface PlannedPhoto {
  /** Path below the data set's folder, e.g. `train/apple/fluent-001.jpg`. */
  readonly path: string
  readonly label: FruitKind
  readonly iconSet: IconSet
  readonly scene: Scene
}

export interface SampleSize {
  /** Photos of each kind. */
  readonly trainPerKind: number
  readonly testPerKind: number
}

const SAMPLE_SIZE: SampleSize = { trainPerKind: 60, testPerKind: 20 }

/** Changes every photo; a change here is a new version of the data set. */
const SEED = 'sample-fruits 1'

/**
 * The plan is the same at every call, and a larger sample holds the photos of a smaller one. Photos of a kind are dealt
 * to its drawings in turn, so that a set with more drawings has more photos and no drawing is learned by heart.
 */
export function planSampleFruits({
  trainPerKind,
  testPerKind,
}: SampleSize = SAMPLE_SIZE): readonly PlannedPhoto[] {
  return FRUIT_KINDS.flatMap((label) => [
    ...deal(label, 'train', trainPerKind),
    ...deal(label, 'test', testPerKind),
  ])
}

function deal(label: FruitKind, split: IconSet['split'], count: number): PlannedPhoto[] {
  const drawings = ICON_SETS.filter((set) => set.split === split).flatMap((iconSet) => {
    const icons = iconNames(iconSet.name, label)
    return icons.map((lead, index) => ({
      iconSet,
      icons: { lead, other: icons[index + 1] ?? icons[0] ?? lead },
      number: (round: number) => round * icons.length + index + 1,
    }))
  })
  return Array.from({ length: Math.ceil(count / drawings.length) }, (_, round) =>
    drawings.map(({ iconSet, icons, number }) => {
      const name = `${iconSet.name}-${String(number(round)).padStart(3, '0')}.jpg`
      const path = `${split}/${label}/${name}`
      const scene = planScene(new Random(`${SEED} ${path}`), icons)
      return { path, label, iconSet, scene }
    }),
  )
    .flat()
    .slice(0, count)
}
