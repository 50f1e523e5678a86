/**
 * What fine-tuning makes of Grocery Store, with what its photos are for: the official training photos teach, the official
 * validation photos are what is measured (the manifest calls them `test`, which nothing is learned or chosen from). The
 * product takes about 10 % of the training photos to judge epochs and to fit temperature and thresholds; so the figures are
 * held out, and those of a model that learned from 90 % of the photos. Whoever has the official test split gives the validation photos
 * as `validation` instead, and learns from all of the training photos.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { EvaluationReport } from '../src/training/report.ts'
import { GROCERY_STORE, GROCERY_STORE_TRAIN, photosBelow } from './datasets.ts'
import { fineTune, renderRest } from './fine-tune.ts'
import { atLeast, figure, type Measurement } from './measurement.ts'

/** Sides by the name of the list that holds them. */
const SIDES = { train: 'train', val: 'test' } as const

interface Run {
  readonly name: string
  readonly what: string
  readonly budget?: string
  readonly leastFine: number
  readonly leastCoarse?: number
  readonly mostMinutes: number
}
const RUNS: readonly Run[] = [
  {
    ...{ name: 'grocery', what: 'as long as serves best' },
    ...{ leastFine: 91, leastCoarse: 93, mostMinutes: 30 },
  },
  {
    ...{ name: 'grocery-5m', what: 'with a budget of five minutes', budget: '5m' },
    ...{ leastFine: 87, mostMinutes: 5 },
  },
]
/** Of every run that only shows that everything runs. */
export const QUICK_BUDGET = '90s'

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

  for (const { name, what, budget, leastFine, leastCoarse, mostMinutes } of RUNS) {
    console.log(`  ${what}`)
    const given = isQuick ? QUICK_BUDGET : budget
    const tuned = await fineTune(manifest, join(folder, name), [
      ...['--views', 'mirrored'],
      ...(given === undefined ? [] : ['--time-budget', given]),
    ])
    const { accuracy, dataset } = tuned.report
    yield figure('photos that are measured', dataset.photos, '')
    yield atLeast('fine labels', 100 * accuracy.value, '%', leastFine)
    const coarse = 100 * coarseAccuracy(tuned.report, groups)
    yield leastCoarse === undefined
      ? figure('coarse labels', coarse, '%')
      : atLeast('coarse labels', coarse, '%', leastCoarse)
    yield* renderRest(tuned, mostMinutes)
  }
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
