/** `verger train --mode fine-tune` as a user runs it, and what its report says. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluationReport } from '../src/training/report.ts'
import { runNode } from './child.ts'

export interface FineTuned {
  readonly report: EvaluationReport
  readonly minutes: number
  readonly peakMb: number
}

/** Trains with a manifest, in a home of its own below `folder`: nothing is known of its photos. */
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
  return { report, minutes: elapsedMs / 60_000, peakMb }
}
