/** `verger datasets list`: the datasets that have a name or an id. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createDatasetsListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list datasets and their saved versions')
    .description('Lists the datasets that were got and every saved dataset version, newest first.')
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets list
  $ verger datasets list --json`,
    )
    .action(async (options: { json?: true }) => {
      const { runDatasetsList } = await import('../run-datasets-list.ts')
      await runDatasetsList(context, { json: options.json === true })
    })
}
