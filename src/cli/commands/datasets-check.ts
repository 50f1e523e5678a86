/** `verger datasets check`: all that is wrong with a dataset, with its photos. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

interface CheckOptions {
  readonly out?: string
  readonly glob?: string
  readonly backbone?: string
  readonly json?: true
}

export function createDatasetsCheckCommand(context: CommandContext): Command {
  return new Command('check')
    .summary('also find near duplicates and labels that are probably wrong')
    .description(
      'Scans a dataset, looks at each photo with a network, and finds photos that look nearly the same and labels that classifiers trained without the photo find wrong. Writes a contact sheet: a page that shows the photos of each finding.',
    )
    .argument('<dataset>', 'folder, archive, manifest, or the name or id of a dataset')
    .option('--out <file.html>', 'where to write the contact sheet (default: below VERGER_HOME)')
    .option('--glob <pattern>', 'photos of a folder or archive that count (default: all)')
    .option('--backbone <id>', 'network that looks at the photos (default: efficientnet-lite0)')
    .option('--json', 'print everything that was found as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets check fruits/
  $ verger datasets check fruits/ --out check.html
  $ verger datasets check grocery-store/ --glob '{train,val}/**' --json

Exit codes: 0 checked, whatever was found; 1 no photo can be used, 2 usage.`,
    )
    .action(async (dataset: string, options: CheckOptions) => {
      const { runDatasetsCheck } = await import('../run-datasets-check.ts')
      await runDatasetsCheck(context, {
        dataset,
        glob: options.glob,
        backbone: options.backbone,
        out: options.out,
        json: options.json === true,
      })
    })
}
