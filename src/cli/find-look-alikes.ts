/** Finds the photos of a dataset that a split must not part. */
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { groupBy } from '../datasets/group-by.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { UnionFind } from '../learn/union-find.ts'
import { comparePhotos } from '../training/compare-photos.ts'
import type { CommandContext } from './context.ts'
import { createFeatureNarrator } from './feature-narrator.ts'
import { StepLine } from './step-line.ts'

/** What looks alike in a dataset; groups of photos are their indices in it. */
export interface LookAlikes {
  /** The dataset without the photos that turned out to be broken. */
  readonly dataset: ScannedDataset
  /** Photos that stay on one side: near duplicates, and those that look most alike. */
  readonly groups: readonly (readonly number[])[]
  readonly nearDuplicates: readonly (readonly number[])[]
  /** Near duplicates that are in different groups all the same, because they chain a whole label together. */
  readonly parted: number
}

/** Looks at the photos as `verger train` does, so that both keep the same photos together. */
export async function findLookAlikes(
  { config, stderr }: CommandContext,
  scanned: ScannedDataset,
  seed: number,
): Promise<LookAlikes> {
  const look = createFeatureNarrator(stderr, (text) => stderr.write(text))
  let steps: StepLine | undefined
  const compared = await comparePhotos(
    { dataset: scanned, backbone: findBackbone(DEFAULT_BACKBONE), seed },
    {
      home: config.home,
      workers: config.workers,
      limits: config.limits,
      onEvent(event) {
        if (event.stage === 'compare')
          steps = new StepLine(stderr, 'Comparing each photo with each')
        else if (event.stage === 'step') steps?.step()
        else look(event)
      },
    },
  )
  steps?.clear()
  const { dataset, different, groups, pairs, parted } = compared
  const placeOf = new Map(dataset.photos.map(({ path }, index) => [path, index]))
  const places = different.map(({ path }) => placeOf.get(path) ?? -1)
  const toPlaces = (rows: Iterable<readonly number[]>) =>
    [...rows].map((group) => group.map((row) => places[row] ?? -1))
  const chains = new UnionFind(different.length)
  for (const { first, second } of pairs) chains.join(first, second)
  const byChain = groupBy(different.keys(), (row) => chains.find(row)).values()
  return {
    dataset,
    groups: toPlaces(groupBy(different.keys(), (row) => groups[row]).values()),
    nearDuplicates: toPlaces([...byChain].filter((rows) => rows.length > 1)),
    parted,
  }
}
