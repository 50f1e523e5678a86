/** The kinds of findings in the order in which they are worth mending. */
import type { FindingKind } from '../../../src/datasets/findings.ts'

interface Group {
  readonly title: string
  /** What it means and what helps. */
  readonly advice: string
}

const GROUP_OF: Readonly<Record<FindingKind, Group>> = {
  broken: {
    title: 'Broken photos',
    advice: 'They cannot be read and are left out of the dataset version.',
  },
  'two-labels': {
    title: 'Under two labels',
    advice: 'The same photo cannot be both: keep it where it belongs.',
  },
  'no-label': {
    title: 'Without a label',
    advice: 'No folder around them tells what they show; they are left out.',
  },
  'colliding-labels': {
    title: 'Colliding labels',
    advice: 'They differ in case or Unicode form only and are probably one label.',
  },
  'probably-wrong-label': {
    title: 'Probably wrong label',
    advice: 'A classifier that never saw the photo is sure of another label. Look, then decide.',
  },
  'exact-duplicate': {
    title: 'Exact duplicates',
    advice: 'The same bytes under one label: all but the first add nothing.',
  },
  'near-duplicate': {
    title: 'Near duplicates',
    advice: 'Nearly the same picture. A split keeps them on one side.',
  },
  'few-photos': {
    title: 'Few photos',
    advice: 'Too few photos to learn or to measure the label.',
  },
}

export const GROUPS = Object.entries(GROUP_OF).map(([kind, group]) => ({
  kind: kind as FindingKind,
  ...group,
}))
