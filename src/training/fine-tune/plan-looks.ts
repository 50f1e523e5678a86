/** Which photos are looked at once more when a fine-tuning is over. */
import { evenly } from '../../learn/evenly.ts'
import type { TuneSides } from './tune-sides.ts'

/** What is known of photos that are none of the labels rests on the learned ones: so many tell it, of each label so many. */
const MOST_LEARNED = 1024
const LEAST_OF_LABEL = 12

export interface Looks {
  /** Of the learned photos a share of each label, in the order of rows. */
  readonly learned: readonly number[]
  /** These, and all that judge or measure. */
  readonly rows: readonly number[]
}

/** `labelIds` `[photos]`. */
export function planLooks(
  { learn, validation }: Pick<TuneSides, 'learn' | 'validation'>,
  measured: readonly number[],
  labelIds: Int32Array,
): Looks {
  const ofLabel = new Map<number, number[]>()
  for (const row of learn) {
    const label = labelIds[row] ?? -1
    const rows = ofLabel.get(label) ?? []
    rows.push(row)
    ofLabel.set(label, rows)
  }
  const share = Math.min(1, MOST_LEARNED / learn.length)
  const learned = [...ofLabel.values()]
    .flatMap((rows) => evenly(rows, Math.max(LEAST_OF_LABEL, Math.ceil(share * rows.length))))
    .sort((a, b) => a - b)
  const rows = [...new Set([...learned, ...validation, ...measured])].sort((a, b) => a - b)
  return { learned, rows }
}
