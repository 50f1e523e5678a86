/** `verger datasets show`: one saved dataset version. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createDatasetsShowCommand(context: CommandContext): Command {
  return new Command('show')
    .summary('show a saved dataset version')
    .description('Shows what a saved dataset version holds and where its photos were seen last.')
    .argument(
      '<id>',
      'id of a version, its first 6 digits or more, or a name for the newest version of it',
    )
    .option('--json', 'print it as JSON, with every photo')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets show 3f9a2c
  $ verger datasets show fruits --json`,
    )
    .action(async (version: string, options: { json?: true }) => {
      const { runDatasetsShow } = await import('../run-datasets-show.ts')
      await runDatasetsShow(context, { version, json: options.json === true })
    })
}
