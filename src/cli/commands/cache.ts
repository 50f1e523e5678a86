/** `verger cache`: what is kept so that it need not be computed again. */
import { Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../context.ts'

export function createCacheCommand(context: CommandContext): Command {
  return new Command('cache')
    .summary('show and prune what is kept to save time')
    .description(
      'Features of photos are kept under VERGER_HOME, so that a photo goes through a network once.',
    )
    .addCommand(
      new Command('show')
        .summary('show what is kept and how much it is')
        .option('--json', 'print it as JSON')
        .addHelpText('after', '\nExample:\n  $ verger cache show')
        .action(async ({ json }: { json?: true }) => {
          const { runCacheShow } = await import('../run-cache.ts')
          await runCacheShow(context, { json: json === true })
        }),
    )
    .addCommand(
      new Command('prune')
        .summary(
          'remove features that were not used lately, and stored files that nothing refers to',
        )
        .option('--older-than <days>', 'days since a feature was last used', parseDays, 30)
        .option('--dry-run', 'say what would be removed, and remove nothing')
        .option('--json', 'print it as JSON')
        .addHelpText(
          'after',
          `
Examples:
  $ verger cache prune
  $ verger cache prune --older-than 0 --dry-run`,
        )
        .action(async (options: { olderThan: number; dryRun?: true; json?: true }) => {
          const { runCachePrune } = await import('../run-cache.ts')
          await runCachePrune(context, {
            olderThanDays: options.olderThan,
            dryRun: options.dryRun === true,
            json: options.json === true,
          })
        }),
    )
}

function parseDays(value: string): number {
  const days = Number(value)
  if (value.trim() !== '' && Number.isFinite(days) && days >= 0) return days
  throw new InvalidArgumentError(`Expected a number of days from 0, received '${value}'.`)
}
