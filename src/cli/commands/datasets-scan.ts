/** `verger datasets scan`: what is in a dataset, and what is wrong with it. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createDatasetsScanCommand(context: CommandContext): Command {
  return new Command('scan')
    .summary('count the photos of a dataset and find what is wrong with them')
    .description(
      'Reads every photo of a dataset: labels, sizes, broken files, copies, photos under two labels, labels with too few photos. Saves a dataset version, which is named by what it holds and never changes.',
    )
    .argument('<dataset>', 'folder, archive, manifest, or the name or id of a dataset')
    .option('--glob <pattern>', 'photos of a folder or archive that count (default: all)')
    .option('--json', 'print everything that was found as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets scan fruits/
  $ verger datasets scan grocery-store/ --glob '{train,val}/**'
  $ verger datasets scan fruits.zip --json
  $ verger datasets scan labels.csv

Exit codes: 0 photos were found (also when some are broken), 1 none can be used, 2 usage.`,
    )
    .action(async (dataset: string, options: { glob?: string; json?: true }) => {
      const { runDatasetsScan } = await import('../run-datasets-scan.ts')
      await runDatasetsScan(context, { dataset, glob: options.glob, json: options.json === true })
    })
}
