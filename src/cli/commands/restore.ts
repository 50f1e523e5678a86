/** `verger restore`: what `verger backup` has written, put back. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createRestoreCommand(context: CommandContext): Command {
  return new Command('restore')
    .summary('put a backup back')
    .description(
      'Puts a backup back into an empty registry, whichever database and blob store it has: all of it or nothing. Every file and row is held against its hash first.',
    )
    .requiredOption('--from <path>', 'what verger backup has written')
    .option('--replace', 'remove what the registry holds')
    .option('--dry-run', 'verify the whole backup, and change nothing')
    .option('--json', 'print what was restored as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger restore --from verger-2026-01-31.tar --dry-run
  $ VERGER_DATABASE_URL=postgres://verger@db/verger verger restore --from verger-2026-01-31.tar`,
    )
    .action(async (options: { from: string; replace?: true; dryRun?: true; json?: true }) => {
      const { runRestore } = await import('../run-backup.ts')
      const { from, replace = false, dryRun = false, json = false } = options
      await runRestore(context, { from, replace, dryRun, json })
    })
}
