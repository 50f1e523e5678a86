/** `verger gc`: files that nothing refers to, and corrected photos whose time is over. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createGcCommand(context: CommandContext): Command {
  return new Command('gc')
    .summary('remove files that nothing refers to')
    .description(
      'Removes stored files that no version, dataset or corrected photo refers to once they are an hour old, and corrected photos older than their model keeps them. Servers may go on writing; they do the same once a day.',
    )
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  $ verger gc --dry-run\n  $ verger gc')
    .action(async (options: { dryRun?: true; json?: true }) => {
      const { runGc } = await import('../run-gc.ts')
      const { dryRun = false, json = false } = options
      await runGc(context, { dryRun, json })
    })
}
