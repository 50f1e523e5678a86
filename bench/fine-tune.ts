/**
 * What fine-tuning makes of Grocery Store: learned from its official training photos, judged and measured with its official
 * validation photos.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EvaluationReport } from '../src/training/report.ts'
import { ROOT } from './child.ts'
import { GROCERY_STORE_TRAIN, photosBelow } from './datasets.ts'
import { atLeast, atMost, figure, type Measurement } from './measurement.ts'

/** Sides of the dataset by the name of the list that holds them. */
const SIDES = { train: 'train', val: 'validation' } as const

export async function* benchFineTune(): AsyncGenerator<Measurement> {
  photosBelow(GROCERY_STORE_TRAIN, 1)
  const home = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  try {
    const coarse = writeManifest(dirname(GROCERY_STORE_TRAIN), home)
    const startMs = performance.now()
    const args = ['grocery.csv', '--mode', 'fine-tune', '--views', 'mirrored', '--out', 'bundle']
    execFileSync(process.execPath, [join(ROOT, 'bin/verger.js'), 'train', ...args], {
      cwd: home,
      env: { ...process.env, VERGER_HOME: home },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    const minutes = (performance.now() - startMs) / 60_000
    const report: EvaluationReport = JSON.parse(
      readFileSync(join(home, 'bundle/report.json'), 'utf8'),
    )
    const { accuracy, calibration, comparison } = report
    yield figure('frozen features, fine labels', 100 * (comparison?.otherAccuracy.value ?? 0), '%')
    yield atLeast('fine-tuned, fine labels', 100 * accuracy.value, '%', 91)
    yield atLeast('fine-tuned, coarse labels', 100 * coarseAccuracy(report, coarse), '%', 93)
    yield figure('  McNemar beside frozen features, p', comparison?.pValue ?? Number.NaN, '')
    yield atMost('calibration error', 100 * calibration.eceAfter.value, '%', 3)
    yield atMost('time in all', minutes, 'min', 30)
  } finally {
    rmSync(home, { recursive: true })
  }
}

/** Lists the photos of both sides beside a link to them; gives the coarse label of each fine one. */
function writeManifest(root: string, folder: string): ReadonlyMap<string, string> {
  symlinkSync(root, join(folder, 'grocery-store'))
  const coarse = new Map<string, string>()
  const rows = Object.entries(SIDES).flatMap(([list, side]) =>
    readFileSync(join(root, `${list}.txt`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [path = '', , group = ''] = line.split(', ')
        const label = path.split('/').at(-2) ?? ''
        coarse.set(label, group.trim())
        return `grocery-store/${path},${label},${side}`
      }),
  )
  writeFileSync(join(folder, 'grocery.csv'), `path,label,split\n${rows.join('\n')}\n`)
  return coarse
}

function coarseAccuracy(
  { confusion, labels, dataset }: EvaluationReport,
  coarse: ReadonlyMap<string, string>,
): number {
  const groupOf = (label: number) => coarse.get(labels[label] ?? '')
  const right = confusion
    .filter(({ actual, predicted }) => groupOf(actual) === groupOf(predicted))
    .reduce((sum, { count }) => sum + count, 0)
  return right / dataset.photos
}
