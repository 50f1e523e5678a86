/** `verger train` on 10,720 photos of 67 labels, cold and warm, with scikit-learn on the same features beside it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, runNode } from './child.ts'
import { FRUITS_360, photosBelow } from './datasets.ts'
import { atMost, figure, type Measurement } from './measurement.ts'

const PHOTOS = join(FRUITS_360, 'Test')

interface FeatureFiles {
  readonly features: string
  readonly labels: string
  readonly nearDuplicatesMs: number
}

export async function* benchTrain(): AsyncGenerator<Measurement> {
  const count = photosBelow(FRUITS_360).length
  const home = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  const env = { VERGER_HOME: home }
  const train = ['bin/verger.js', 'train', PHOTOS, '--json']
  try {
    const predict = await runNode(['bin/verger.js', 'predict', FRUITS_360, '--format', 'ndjson'])
    const cold = await runNode(train, join(home, 'cold.json'), env)
    const warm = await runNode(train, join(home, 'warm.json'), env)
    yield figure(`verger predict on the ${count} photos`, predict.elapsedMs / 1000, 's')
    yield figure('verger train, cold', cold.elapsedMs / 1000, 's')
    yield atMost('  beyond predicting them', (cold.elapsedMs - predict.elapsedMs) / 1000, 's', 20)
    yield atMost('verger train, warm', warm.elapsedMs / 1000, 's', 15)
    yield atMost('  its peak memory', warm.peakMb, 'MB', 1000)
    const bundles = ['cold', 'warm'].map(
      (name) => JSON.parse(readFileSync(join(home, `${name}.json`), 'utf8')).bundle,
    )
    yield atMost('  different bundles of two runs', new Set(bundles).size, '', 1)

    const exported = join(home, 'features.json')
    const near = await runNode(['bench/near-duplicates.mjs', PHOTOS, home], exported, env)
    const files: FeatureFiles = JSON.parse(readFileSync(exported, 'utf8'))
    yield atMost('near duplicates of all', files.nearDuplicatesMs / 1000, 's', 5)
    yield atMost('  peak memory of that process', near.peakMb, 'MB', 1000)
    yield* besideScikitLearn(files, warm.elapsedMs / 1000)
  } finally {
    rmSync(home, { recursive: true })
  }
}

async function* besideScikitLearn(
  { features, labels }: FeatureFiles,
  warmSeconds: number,
): AsyncGenerator<Measurement> {
  try {
    const text = execFileSync('python3', ['bench/scikit-learn.py', features, labels], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { seconds } = JSON.parse(text)
    yield figure("scikit-learn's LogisticRegressionCV, 3 strengths, 3 folds", seconds, 's')
    yield figure('  beside the whole warm training', seconds / warmSeconds, '×')
  } catch {
    console.log('  scikit-learn is left out: python3 -m pip install scikit-learn')
  }
}
