/** `verger backup`: the registry and all that it refers to, as one file or folder. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createBackupCommand(context: CommandContext): Command {
  return new Command('backup')
    .summary('write the registry and all its files to one place')
    .description(
      'Writes models, versions, history, corrected photos, datasets and tokens as they are at one moment, and every file that they refer to, each held against its hash. Servers may go on writing. Nothing has the name of the backup before it is whole.',
    )
    .requiredOption('--out <path>', 'file that ends with .tar, or folder, that does not exist yet')
    .option('--dry-run', 'read all that would be written, and write nothing')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger backup --out verger-2026-01-31.tar
  $ VERGER_DATABASE_URL=postgres://verger@db/verger VERGER_BLOBS_URL=s3://orchard/blobs verger backup --out orchard.tar`,
    )
    .action(async (options: { out: string; dryRun?: true; json?: true }) => {
      const { runBackup } = await import('../run-backup.ts')
      const { out, dryRun = false, json = false } = options
      await runBackup(context, { out, dryRun, json })
    })
}
