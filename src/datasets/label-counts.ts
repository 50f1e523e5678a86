import { compareCodePoints } from './code-point-order.ts'
import type { DatasetPhoto, Split } from './manifest.ts'

/** How many photos a label has, in all and on each side of a split. */
export interface LabelCount {
  readonly label: string
  readonly photos: number
  readonly splits: Readonly<Record<Split, number>>
}

/** Counts photos by label; labels in the order of their code points. */
export function countLabels(
  photos: readonly Pick<DatasetPhoto, 'label' | 'split'>[],
): LabelCount[] {
  const counts = new Map<string, { photos: number; splits: Record<Split, number> }>()
  for (const { label, split } of photos) {
    const count = counts.get(label) ?? { photos: 0, splits: { train: 0, validation: 0, test: 0 } }
    counts.set(label, count)
    count.photos++
    if (split !== undefined) count.splits[split]++
  }
  return [...counts]
    .map(([label, count]) => ({ label, ...count }))
    .sort((a, b) => compareCodePoints(a.label, b.label))
}
