/** Photos whose label is probably wrong: a network would learn them by heart, so a fine-tuning leaves them out. */
import type { Attempt } from '../attempt.ts'
import type { CrossPredictTask } from '../fit-task.ts'
import { foldGroups } from '../fold-groups.ts'
import { runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import { findWrongLabels, type WrongLabels } from '../wrong-label-findings.ts'
import type { TuneSides } from './tune-sides.ts'

/** Asks heads on frozen features about photos that they did not see. */
export async function findDoubted(
  { prepared, grouped }: Attempt,
  seed: number,
  { workers, signal, onEvent = () => {} }: TrainContext,
): Promise<WrongLabels> {
  const { photos, labels, labelIds, features, width } = prepared
  onEvent({ stage: 'doubting' })
  const names = photos.map(({ label }) => label)
  const answers = await runFitTask<CrossPredictTask>(
    {
      kind: 'cross-predict',
      ...{ features, width, seed, labels: labelIds, classes: labels.length, threads: workers },
      groups: foldGroups(names, grouped.pairs, grouped.groups),
    },
    { onReport: () => onEvent({ stage: 'step', trial: undefined }), signal },
  )
  const doubted = findWrongLabels(photos, labels, labelIds, answers)
  onEvent({ stage: 'doubted', ...doubted })
  return doubted
}

/** The sides without doubted photos; a label of which nothing would be left keeps its own, and so do validation photos. */
export function withoutDoubted(
  sides: TuneSides,
  labelIds: Int32Array,
  doubted: readonly number[],
): TuneSides {
  const left = new Set(doubted)
  const leave = (rows: readonly number[]) => rows.filter((row) => !left.has(row))
  const sure = new Set(leave(sides.learn).map((row) => labelIds[row]))
  const learn = sides.learn.filter((row) => !left.has(row) || !sure.has(labelIds[row]))
  const validation = leave(sides.validation)
  // Photos that figures come from as well are judged as they are.
  const isKept = sides.isShared || validation.length === 0
  return { ...sides, learn, validation: isKept ? sides.validation : validation }
}
