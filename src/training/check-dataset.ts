/** Everything that is wrong with a dataset: what a scan finds, near duplicates, and labels that are probably wrong. */
import { VergerError } from '../core/errors.ts'
import { FINDING_KINDS } from '../datasets/findings.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import {
  type CompareContext,
  type ComparedPhotos,
  type CompareEvent,
  type ComparePlan,
  comparePhotos,
} from './compare-photos.ts'
import type { CrossPredictTask } from './fit-task.ts'
import { foldGroups } from './fold-groups.ts'
import { findNearDuplicates } from './near-duplicate-findings.ts'
import { type PreparedDataset, prepareDataset } from './prepare-dataset.ts'
import { runFitTask } from './run-fit-task.ts'
import { findWrongLabels, type WrongLabels } from './wrong-label-findings.ts'

export type CheckEvent =
  | CompareEvent
  | { readonly stage: 'labels'; readonly photos: number }
  | { readonly stage: 'done' }

export interface CheckContext extends Omit<CompareContext, 'onEvent'> {
  onEvent?(event: CheckEvent): void
}

export interface CheckedDataset {
  /** The dataset without photos that turned out to be broken, with all that was found, by kind. */
  readonly dataset: ScannedDataset
  /** Photos whose label is perhaps wrong too, but less surely than those among the findings. */
  readonly lessSure: number
  /** Why labels were not checked. */
  readonly labelsUnchecked: string | undefined
}

/**
 * Checks a dataset whose photos were decoded. A dataset that cannot be trained on is still searched for near duplicates.
 * Throws `disk_full`, `write_failed` or an error of the backbone.
 */
export async function checkDataset(
  plan: ComparePlan,
  context: CheckContext,
): Promise<CheckedDataset> {
  const compared = await comparePhotos(plan, context)
  const { dataset, different, pairs } = compared
  const wrong = await checkLabels(plan, compared, context)
  context.onEvent?.({ stage: 'done' })
  const findings = [
    ...dataset.findings,
    ...findNearDuplicates(different, pairs),
    ...wrong.findings,
  ].sort((a, b) => FINDING_KINDS.indexOf(a.kind) - FINDING_KINDS.indexOf(b.kind))
  return {
    dataset: { ...dataset, findings },
    lessSure: wrong.lessSure,
    labelsUnchecked: wrong.unchecked,
  }
}

/** Asks classifiers about photos that they did not see. */
async function checkLabels(
  { dataset, seed }: ComparePlan,
  { all, seen, different, pairs, groups }: ComparedPhotos,
  { workers, signal, onEvent = () => {} }: CheckContext,
): Promise<WrongLabels & { readonly unchecked?: string }> {
  let prepared: PreparedDataset
  try {
    prepared = prepareDataset(all, dataset.findings, seen)
  } catch (error) {
    if (!(error instanceof VergerError) || error.code !== 'dataset_untrainable') throw error
    return { findings: [], lessSure: 0, rows: [], unchecked: error.message }
  }
  const { photos, labels, labelIds, features, width } = prepared
  const held = foldGroups(
    different.map(({ label }) => label),
    pairs,
    groups,
  )
  const groupOf = new Map(different.map(({ sha256 }, row) => [sha256, held[row] ?? -1]))
  onEvent({ stage: 'labels', photos: photos.length })
  const task: CrossPredictTask = {
    kind: 'cross-predict',
    ...{ features, width, seed },
    labels: labelIds,
    classes: labels.length,
    threads: workers,
    groups: Int32Array.from(photos, ({ sha256 }) => groupOf.get(sha256) ?? -1),
  }
  const answers = await runFitTask(task, { onReport: () => onEvent({ stage: 'step' }), signal })
  return findWrongLabels(photos, labels, labelIds, answers)
}
