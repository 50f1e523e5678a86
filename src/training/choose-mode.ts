/** Whether the network itself is to learn, or only the classifier on its features: decided before anything is computed. */
import { formatDuration } from '../core/durations.ts'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import { usableRows } from './prepare-dataset.ts'

/** `fine-tune` lets the upper part of the network learn too, from where the head on frozen features stands. */
export const TRAIN_MODES = ['frozen', 'fine-tune', 'auto'] as const
export type TrainMode = (typeof TRAIN_MODES)[number]

export interface ModeDecision {
  readonly mode: Exclude<TrainMode, 'auto'>
  /** For the whole command; undefined where it may take as long as it takes. */
  readonly budgetMs: number | undefined
  /** Of `auto`: why, to be read after `Frozen features:` or `Fine-tuning:`. */
  readonly reason: string | undefined
}

export interface ModeQuestion {
  readonly asked: TrainMode
  readonly budgetMs: number | undefined
  readonly photos: readonly DatasetPhoto[]
  /** Whether the backbone computes in 8 bit. */
  readonly isRounded: boolean
}

/** What `auto` gives a fine-tuning where no time budget is named. */
const AUTO_BUDGET_MS = 10 * 60_000
/** Photos to learn from that a label has in the median, and that there are in all, for which networks are fine-tuned. */
const LEAST_OF_LABEL = 20
const LEAST_PHOTOS = 150

export function chooseMode({ asked, budgetMs, photos, isRounded }: ModeQuestion): ModeDecision {
  if (asked !== 'auto') return { mode: asked, budgetMs, reason: undefined }
  const frozen = (reason: string): ModeDecision => ({ mode: 'frozen', budgetMs, reason })
  if (isRounded) return frozen('a backbone in 8 bit cannot be fine-tuned')
  const counts = countLearned(photos)
  const all = counts.reduce((sum, count) => sum + count, 0)
  const median = counts[Math.floor(counts.length / 2)] ?? 0
  const has = `${all} photos to learn from, ${median} of a label in the median`
  if (median < LEAST_OF_LABEL) {
    return frozen(`${has}; fine-tuning wants ${LEAST_OF_LABEL} of a label`)
  }
  if (all < LEAST_PHOTOS) return frozen(`${has}; fine-tuning wants ${LEAST_PHOTOS} in all`)
  const ms = budgetMs ?? AUTO_BUDGET_MS
  return { mode: 'fine-tune', budgetMs: ms, reason: `${has}, and ${formatDuration(ms)} to do it` }
}

/** Usable photos of each label that are not on the test side, from few to many. */
function countLearned(photos: readonly DatasetPhoto[]): number[] {
  const counts = new Map<string, number>()
  for (const row of usableRows(photos)) {
    const { label, split } = photos[row] ?? {}
    if (label === undefined || split === 'test') continue
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return [...counts.values()].sort((a, b) => a - b)
}
