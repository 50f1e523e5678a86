/** `verger train`: a folder of labelled photos becomes a classifier. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { parseDurationMs } from '../../core/durations.ts'
import type { CommandContext } from '../context.ts'

interface TrainOptions {
  readonly backbone?: string
  readonly features?: string
  readonly mode: string
  readonly timeBudget?: number
  readonly views: string
  readonly size?: number
  readonly precision: string
  readonly seed: number
  readonly glob?: string
  readonly out?: string
  readonly register?: string
  readonly setDefault?: true
  readonly corrections: boolean
  readonly dryRun?: true
  readonly preview?: string
  readonly json?: true
}

/** The same as `TRAIN_MODES`. */
const MODES = ['frozen', 'fine-tune', 'auto']
/** The same as `VIEW_CHOICES`, which is not imported so that help stays fast. */
const VIEWS = ['plain', 'mirrored', 'multi-scale', 'auto']
/** The same as `PRECISIONS`. */
const PRECISIONS = ['float32', 'int8']

export function createTrainCommand(context: CommandContext): Command {
  return new Command('train')
    .summary('turn labelled photos into a classifier')
    .description(
      'Trains a classifier on features of a backbone: a folder (label = parent folder), a zip, a CSV or JSONL manifest, ' +
        'or a dataset that was got. The result is a bundle with a report; the same photos and seed give the same bundle.',
    )
    .argument('<dataset>', 'folder, archive, manifest, name or version of a dataset')
    .option('--register <model[/version]>', 'name under which the bundle can be asked for')
    .option('--set-default', 'let it answer for its model from now on')
    .option('--out <dir>', 'folder to write the bundle to')
    .addOption(
      new Option(
        '--mode <mode>',
        'what learns: the classifier on frozen features (seconds), or the upper part of the network too (minutes), taken where it is no worse; auto decides by the photos there are',
      )
        .choices(MODES)
        .default('frozen'),
    )
    .option(
      '--time-budget <time>',
      'for all of a training that fine-tunes, e.g. 90s, 10m or 1h: decides how deep, how closely and how often the network learns (default: what serves best, or 10m with --mode auto)',
      parseTimeBudget,
    )
    .addOption(
      new Option(
        '--views <set>',
        'how a photo is looked at; auto takes what pays in cross-validation, the others cost 1, 2 and about 7 times as much',
      )
        .choices(VIEWS)
        .default('plain'),
    )
    .option(
      '--size <px>',
      "side of the photo in the network (default: the network's own, or 288 where photos are large)",
      parseSize,
    )
    .addOption(
      new Option(
        '--precision <type>',
        'numbers the network computes in; int8 is fitted to the photos and taken where it keeps what it sees and is faster here',
      )
        .choices(PRECISIONS)
        .default('float32'),
    )
    .option('--backbone <id>', 'network that gives the features (default: efficientnet-lite0)')
    .option(
      '--features <layer>',
      'layer inside the network that gives the features, e.g. block13/project',
    )
    .option('--glob <pattern>', "photos to take, e.g. '**/*.jpg'")
    .option('--seed <n>', 'number from which everything random follows', parseSeed, 1)
    .option('--no-corrections', 'leave out photos that were corrected for the model')
    .option(
      '--preview <file.html>',
      'write a page of photos as a fine-tuning would see them, and train nothing',
      parsePage,
    )
    .option('--dry-run', 'show what would be learned from, and train nothing')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger train photos/
  $ verger train sample-fruits --register fruits/v1 --set-default
  $ verger train photos.zip --views mirrored --out fruits-bundle
  $ verger train photos/ --mode fine-tune --register fruits
  $ verger train photos/ --mode auto --time-budget 10m
  $ verger train photos/ --preview sheet.html
  $ verger predict banana.jpg --model fruits

Exit codes: 0 trained, 1 the dataset cannot be used, 2 usage.`,
    )
    .action(async (dataset: string, options: TrainOptions) => {
      const { runTrain } = await import('../run-train.ts')
      await runTrain(context, {
        dataset,
        glob: options.glob,
        backbone: options.backbone,
        features: options.features,
        mode: options.mode as 'frozen',
        timeBudgetMs: options.timeBudget,
        views: options.views as 'plain',
        size: options.size,
        precision: options.precision as 'float32',
        seed: options.seed,
        out: options.out,
        register: options.register,
        setDefault: options.setDefault === true,
        corrections: options.corrections,
        preview: options.preview,
        dryRun: options.dryRun === true,
        json: options.json === true,
      })
    })
}

function parseSize(value: string): number {
  const size = Number(value)
  if (Number.isInteger(size) && size >= 32 && size <= 1024) return size
  throw new InvalidArgumentError(`Expected a whole number from 32 to 1024, received '${value}'.`)
}

function parseTimeBudget(value: string): number {
  const ms = parseDurationMs(value)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError(`Expected a time, e.g. 90s, 10m or 1h, received '${value}'.`)
}

function parseSeed(value: string): number {
  const seed = Number(value)
  if (Number.isSafeInteger(seed) && seed >= 0) return seed
  throw new InvalidArgumentError(`Expected a whole number from 0, received '${value}'.`)
}

/** A page under another name would not open. */
function parsePage(value: string): string {
  if (/\.html?$/i.test(value)) return value
  throw new InvalidArgumentError(
    `Expected the name of a page, e.g. sheet.html, received '${value}'.`,
  )
}
