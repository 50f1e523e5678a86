/** `verger datasets`: what there is to learn from. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { createDatasetsCheckCommand } from './datasets-check.ts'
import { createDatasetsDiffCommand } from './datasets-diff.ts'
import { createDatasetsGetCommand } from './datasets-get.ts'
import { createDatasetsListCommand } from './datasets-list.ts'
import { createDatasetsScanCommand } from './datasets-scan.ts'
import { createDatasetsShowCommand } from './datasets-show.ts'
import { createDatasetsSplitCommand } from './datasets-split.ts'

export function createDatasetsCommand(context: CommandContext): Command {
  return new Command('datasets')
    .summary('get labelled photos, look into them, check and split them')
    .description(
      'Works with labelled photos. DATASET is a folder that holds one folder of photos for each label, an archive of it (.zip, .tar, .tar.gz), a manifest (.csv or .jsonl with path and label, and where wanted split and group), or the name or id that verger datasets list shows.',
    )
    .addCommand(createDatasetsGetCommand(context))
    .addCommand(createDatasetsScanCommand(context))
    .addCommand(createDatasetsCheckCommand(context))
    .addCommand(createDatasetsSplitCommand(context))
    .addCommand(createDatasetsListCommand(context))
    .addCommand(createDatasetsShowCommand(context))
    .addCommand(createDatasetsDiffCommand(context))
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets get sample-fruits
  $ verger datasets scan fruits/
  $ verger datasets check fruits/
  $ verger datasets split fruits/ --out manifest.csv
  $ verger datasets list`,
    )
}
