/** The drawings that the photos of `sample-fruits` are composed of: which kinds, from which icon sets. */

/** Labels of the data set. */
export const FRUIT_KINDS = [
  'apple',
  'banana',
  'grape',
  'kiwi',
  'mango',
  'orange',
  'pear',
  'pineapple',
  'strawberry',
] as const
export type FruitKind = (typeof FRUIT_KINDS)[number]

export interface IconSet {
  /** Folder below assets/sample-fruits. */
  readonly name: 'fluent' | 'fluent-flat' | 'verger' | 'verger-flat' | 'noto'
  /** Side of the split that its drawings stand on: no drawing is on both. */
  readonly split: 'train' | 'test'
}

/** What is learned from these families of drawings is measured on one by other hands. */
export const ICON_SETS: readonly IconSet[] = [
  { name: 'fluent', split: 'train' },
  { name: 'fluent-flat', split: 'train' },
  { name: 'verger', split: 'train' },
  { name: 'verger-flat', split: 'train' },
  { name: 'noto', split: 'test' },
]

/** Kinds that are told apart by little have a drawing more. */
const OURS = {
  apple: 3,
  banana: 2,
  grape: 2,
  kiwi: 2,
  mango: 3,
  orange: 3,
  pear: 2,
  pineapple: 3,
  strawberry: 2,
} as const satisfies Record<FruitKind, number>

/**
 * Drawings of a kind, where a set has not just one: red and green apples are both apples, and Fluent's mango is left out
 * because its shape and colour are those of its tangerine.
 */
const DRAWINGS: Readonly<Record<IconSet['name'], Partial<Record<FruitKind, number>>>> = {
  fluent: { apple: 2, mango: 0 },
  'fluent-flat': { apple: 2, mango: 0 },
  verger: OURS,
  'verger-flat': OURS,
  noto: { apple: 2 },
}

/** Files of a kind, without `.svg`. */
export function iconNames(set: IconSet['name'], kind: FruitKind): readonly string[] {
  const count = DRAWINGS[set][kind] ?? 1
  return Array.from({ length: count }, (_, index) => (count === 1 ? kind : `${kind}-${index + 1}`))
}
