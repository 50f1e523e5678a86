/**
 * What a classifier trained on the training photos of Grocery Store knows about photos from other days and shops: its
 * official validation photos, which nothing was fitted on.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VIEW_SETS } from '../dist/features/views.js'
import type { EvaluationReport } from '../src/training/report.ts'
import { ROOT } from './child.ts'
import { GROCERY_STORE, GROCERY_STORE_TRAIN, photosBelow } from './datasets.ts'
import { figure, type Measurement } from './measurement.ts'

export async function* benchAccuracy(): AsyncGenerator<Measurement> {
  photosBelow(GROCERY_STORE_TRAIN, 1)
  const home = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  const verger = (...args: string[]): string =>
    execFileSync(process.execPath, [join(ROOT, 'bin/verger.js'), ...args], {
      env: { ...process.env, VERGER_HOME: home },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 256e6,
    })
  try {
    for (const views of VIEW_SETS) {
      const bundle = join(home, views)
      const trained = JSON.parse(
        verger('train', GROCERY_STORE_TRAIN, '--views', views, '--out', bundle, '--json'),
      )
      const report: EvaluationReport = JSON.parse(
        verger('evaluate', '--bundle', bundle, '--dataset', GROCERY_STORE, '--json'),
      )
      const percent = (share: number) => 100 * share
      yield figure(`${views}: held out by chance`, percent(trained.accuracyByChance), '%')
      yield figure('  held out as look-alikes', percent(trained.accuracy.value), '%')
      yield figure(
        '  accuracy on the official validation photos',
        percent(report.accuracy.value),
        '%',
      )
      yield figure('  of which its 95 % interval begins at', percent(report.accuracy.low), '%')
      yield figure('  calibration error', percent(report.calibration.eceAfter.value), '%')
    }
  } finally {
    rmSync(home, { recursive: true })
  }
}
