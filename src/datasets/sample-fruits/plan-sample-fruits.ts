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
  /** Photos of each kind; the icon sets of a side share them equally. */
  readonly trainPerKind: number
  readonly testPerKind: number
}

const SAMPLE_SIZE: SampleSize = { trainPerKind: 60, testPerKind: 20 }

/** Changes every photo; a change here is a new version of the data set. */
const SEED = 'sample-fruits 1'

/** The plan is the same at every call, and a larger sample begins with the photos of a smaller one. */
export function planSampleFruits({
  trainPerKind,
  testPerKind,
}: SampleSize = SAMPLE_SIZE): readonly PlannedPhoto[] {
  return FRUIT_KINDS.flatMap((label) =>
    ICON_SETS.flatMap((iconSet) => {
      const sharing = ICON_SETS.filter(({ split }) => split === iconSet.split).length
      const count = (iconSet.split === 'train' ? trainPerKind : testPerKind) / sharing
      return Array.from({ length: Math.ceil(count) }, (_, index) =>
        planPhoto(label, iconSet, index),
      )
    }),
  )
}

function planPhoto(label: FruitKind, iconSet: IconSet, index: number): PlannedPhoto {
  const name = `${iconSet.name}-${String(index + 1).padStart(3, '0')}.jpg`
  const path = `${iconSet.split}/${label}/${name}`
  const scene = planScene(new Random(`${SEED} ${path}`), iconNames(iconSet.name, label), index)
  return { path, label, iconSet, scene }
}
