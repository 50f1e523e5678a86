/** `verger publish`: a version where others can take it from. */
import { Command, Option } from 'commander'
import { EXPORT_FORMATS } from '../../bundles/export/export-formats.ts'
import type { CommandContext } from '../context.ts'
import type { PublishFormat } from '../run-publish.ts'

interface PublishOptions {
  readonly to: string
  readonly format: PublishFormat
  readonly dryRun?: true
  readonly json?: true
}

export function createPublishCommand(context: CommandContext): Command {
  return new Command('publish')
    .summary('put a version into a bucket or a folder')
    .description(
      'Puts a version where other Vergers take it from with verger versions create --from: a bundle, with its backbone where that does not ship with Verger; or a SavedModel or ONNX file for other programs. What lies there already is not sent again, so that a run that was stopped goes on; nothing else is replaced, and a half is never taken for a whole.',
    )
    .argument('<source>', 'model[/version] (default: its default), or folder of a bundle')
    .requiredOption('--to <place>', 'gs://bucket/prefix, s3://bucket/prefix or a folder')
    .addOption(
      new Option('--format <format>', 'what to put there')
        .choices(['bundle', ...EXPORT_FORMATS])
        .default('bundle'),
    )
    .option('--dry-run', 'list the files, and put nothing')
    .option('--json', 'print what was put as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger publish fruits/v1 --to s3://models/fruits/v1
  $ verger publish fruits --to gs://bucket/fruits/saved-model --format saved-model`,
    )
    .action(async (source: string, options: PublishOptions) => {
      const { to, format, dryRun = false, json = false } = options
      const { runPublish } = await import('../run-publish.ts')
      await runPublish(context, { source, to, format, dryRun, json })
    })
}
