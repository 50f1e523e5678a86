/** `verger train --mode fine-tune` as a user runs it, and what its report says. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluationReport } from '../src/training/report.ts'
import { runNode } from './child.ts'
import { atMost, figure } from './measurement.ts'

export interface FineTuned {
  readonly report: EvaluationReport
  readonly minutes: number
  readonly peakMb: number
}

/**
 * Trains with a manifest, in a home of its own below `folder`: nothing is known of its photos. Prints how it was, or why it was
 * not fine-tuned; the report is then that of the classifier on frozen features.
 */
export async function fineTune(
  manifest: string,
  folder: string,
  options: readonly string[],
): Promise<FineTuned> {
  mkdirSync(folder)
  const out = join(folder, 'bundle')
  const { elapsedMs, peakMb } = await runNode(
    ['bin/verger.js', 'train', manifest, '--mode', 'fine-tune', '--out', out, ...options],
    join(folder, 'output'),
    { VERGER_HOME: join(folder, 'home') },
  )
  const report: EvaluationReport = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
  console.log(`  views: ${report.model.views}`)
  const tuning = report.training?.tuning
  if (tuning !== undefined) {
    const { trainFrom, size, epochs, epochsPlanned, keptEpoch = 'none', photos } = tuning
    const last = epochs.at(-1)?.epoch ?? 0
    console.log(
      `  learned from ${photos} photos of ${size} px: ${trainFrom} on, ${last} of ${epochsPlanned} epochs, kept: ${keptEpoch}`,
    )
  }
  for (const note of report.training?.notes ?? []) {
    if (/fine-tuned/i.test(note)) console.log(`  ${note}`)
  }
  return { report, minutes: elapsedMs / 60_000, peakMb }
}

/** What every run says beside its accuracy. */
export function* renderRest({ report, minutes, peakMb }: FineTuned, mostMinutes: number) {
  const { comparison, calibration } = report
  if (comparison !== undefined) {
    yield figure('  with frozen features', 100 * comparison.otherAccuracy.value, '%')
    yield figure('  McNemar beside frozen features, p', comparison.pValue, '')
  }
  yield atMost('calibration error', 100 * calibration.eceAfter.value, '%', 3)
  const { eceByChance } = calibration
  if (eceByChance !== undefined) {
    yield figure('  of true scores, for so many photos', 100 * eceByChance, '%')
  }
  yield atMost('time in all', minutes, 'min', mostMinutes)
  yield figure('peak memory', peakMb, 'MB')
}
