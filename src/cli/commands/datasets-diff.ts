/** `verger datasets diff`: what changed between two saved dataset versions. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createDatasetsDiffCommand(context: CommandContext): Command {
  return new Command('diff')
    .summary('say what changed between two dataset versions')
    .description(
      'Compares two saved dataset versions: photos added, removed, moved, replaced, relabelled, on another side of the split, in another group; and how many each label has.',
    )
    .argument(
      '<before>',
      'id of a version, its first 6 digits or more, or a name for the newest version of it',
    )
    .argument('<after>', 'the same for the version to compare it with')
    .option('--json', 'print every change as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets diff 3f9a2c 81b0de
  $ verger datasets diff 3f9a2c fruits --json`,
    )
    .action(async (before: string, after: string, options: { json?: true }) => {
      const { runDatasetsDiff } = await import('../run-datasets-diff.ts')
      await runDatasetsDiff(context, { before, after, json: options.json === true })
    })
}
