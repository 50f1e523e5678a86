/**
 * What fine-tuning makes of Grocery Store, with what its photos are for: the official training photos teach, the official
 * validation photos are what is measured (the manifest calls them `test`, which nothing is learned or chosen from). The
 * product takes about 15 % of the training photos to judge epochs and to fit temperature and thresholds; so the figures are
 * held out, and those of a model that learned from 85 % of the photos. Whoever has the official test split gives the validation photos
 * as `validation` instead, and learns from all of the training photos.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { EvaluationReport } from '../src/training/report.ts'
import { GROCERY_STORE, GROCERY_STORE_TRAIN, photosBelow } from './datasets.ts'
import { type FineTuned, fineTune } from './fine-tune.ts'
import { atLeast, atMost, figure, type Measurement } from './measurement.ts'

/** Sides by the name of the list that holds them. */
const SIDES = { train: 'train', val: 'test' } as const

export interface GroceryPhoto {
  /** Relative to the dataset. */
  readonly path: string
  readonly label: string
  /** Number of the coarse label. */
  readonly coarse: string
  readonly side: 'train' | 'test'
}

export async function* benchGrocery(folder: string, isQuick: boolean): AsyncGenerator<Measurement> {
  const photos = readGrocery().filter((_, at) => !isQuick || at % 16 === 0)
  const manifest = join(folder, 'grocery.csv')
  symlinkSync(dirname(GROCERY_STORE_TRAIN), join(folder, 'grocery-store'))
  const rows = photos.map(({ path, label, side }) => `grocery-store/${path},${label},${side}`)
  writeFileSync(manifest, `path,label,split\n${rows.join('\n')}\n`)
  const groups = new Map(photos.map(({ label, coarse }) => [label, coarse]))

  const tuned = await fineTune(manifest, join(folder, 'grocery'), ['--views', 'mirrored'])
  const { accuracy, comparison } = tuned.report
  yield figure('photos that are measured', tuned.report.dataset.photos, '')
  yield figure('frozen features, fine labels', 100 * (comparison?.otherAccuracy.value ?? 0), '%')
  yield atLeast('fine-tuned, fine labels', 100 * accuracy.value, '%', 91)
  yield figure('  McNemar beside frozen features, p', comparison?.pValue ?? Number.NaN, '')
  yield atLeast('fine-tuned, coarse labels', 100 * coarseAccuracy(tuned.report, groups), '%', 93)
  yield* renderCosts(tuned, 30)
}

/** Both official lists. Throws where the photos are absent. */
export function readGrocery(): GroceryPhoto[] {
  photosBelow(GROCERY_STORE, 1)
  return Object.entries(SIDES).flatMap(([list, side]) =>
    readFileSync(join(dirname(GROCERY_STORE_TRAIN), `${list}.txt`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [path = '', , coarse = ''] = line.split(', ')
        return { path, label: basename(dirname(path)), coarse: coarse.trim(), side }
      }),
  )
}

export function* renderCosts({ report, minutes, peakMb }: FineTuned, mostMinutes: number) {
  yield atMost('calibration error', 100 * report.calibration.eceAfter.value, '%', 3)
  yield atMost('time in all', minutes, 'min', mostMinutes)
  yield figure('peak memory', peakMb, 'MB')
}

function coarseAccuracy(
  { confusion, labels, dataset }: EvaluationReport,
  groups: ReadonlyMap<string, string>,
): number {
  const groupOf = (label: number) => groups.get(labels[label] ?? '')
  const right = confusion
    .filter(({ actual, predicted }) => groupOf(actual) === groupOf(predicted))
    .reduce((sum, { count }) => sum + count, 0)
  return right / dataset.photos
}
