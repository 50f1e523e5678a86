/** `verger datasets split`: which photos to learn from and which to measure with. */
import { Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../context.ts'

interface SplitOptions {
  readonly validation: number
  readonly test: number
  readonly seed: number
  readonly nearDuplicates: boolean
  readonly out?: string
  readonly glob?: string
  readonly json?: true
}

export function createDatasetsSplitCommand(context: CommandContext): Command {
  return new Command('split')
    .summary('split a dataset without leaks')
    .description(
      'Splits a dataset into training, validation and test photos, each label in the same shares. Copies of a photo, photos that look alike and the photos of one group stay on one side, so that what is measured was not learned. Saves a dataset version with the split.',
    )
    .argument('<dataset>', 'folder, archive, manifest, or the name or id of a dataset')
    .option('--validation <share>', 'share of photos to choose settings with', parseShare, 0.2)
    .option('--test <share>', 'share of photos to measure with at the end', parseShare, 0)
    .option('--seed <n>', 'number that decides which photos; the same gives the same', parseSeed, 1)
    .option('--no-near-duplicates', 'keep only exact copies and groups together; faster')
    .option('--out <file.csv>', 'also write a manifest with a column split')
    .option('--glob <pattern>', 'photos of a folder or archive that count (default: all)')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets split fruits/
  $ verger datasets split fruits/ --validation 0.1 --test 0.1 --seed 7
  $ verger datasets split fruits/ --out manifest.csv

Exit codes: 0 done, 1 no photo can be used, 2 usage.`,
    )
    .action(async (dataset: string, options: SplitOptions) => {
      const { runDatasetsSplit } = await import('../run-datasets-split.ts')
      await runDatasetsSplit(context, {
        dataset,
        glob: options.glob,
        validationShare: options.validation,
        testShare: options.test,
        seed: options.seed,
        nearDuplicates: options.nearDuplicates,
        out: options.out,
        json: options.json === true,
      })
    })
}

function parseShare(value: string): number {
  const share = value.trim() === '' ? Number.NaN : Number(value)
  if (share >= 0 && share < 1) return share
  throw new InvalidArgumentError(`Expected a number from 0 and below 1, received '${value}'.`)
}

function parseSeed(value: string): number {
  const seed = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(seed)) return seed
  throw new InvalidArgumentError(`Expected a whole number from 0, received '${value}'.`)
}
