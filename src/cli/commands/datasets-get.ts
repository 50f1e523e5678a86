/** `verger datasets get`: a dataset by name, from a URL, or from an archive. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

interface GetOptions {
  readonly list?: true
  readonly from?: string
  readonly name?: string
  readonly licence?: string
  readonly force?: true
  readonly acceptChange?: true
  readonly dryRun?: true
  readonly json?: true
}

export function createDatasetsGetCommand(context: CommandContext): Command {
  return new Command('get')
    .summary('get a dataset by name or from a URL')
    .description(
      'Gets a dataset: downloads its archive, compares the checksum, unpacks it into the home folder. A stopped download is continued by the next run. sample-fruits needs no network.',
    )
    .argument('[dataset]', 'a name that --list shows, or the URL of a zip, tar or tar.gz')
    .option('--list', 'show the names that there are')
    .option('--from <file>', 'take this archive instead of downloading one')
    .option('--name <name>', 'name of the dataset (default: that of the file)')
    .option('--licence <text>', 'licence to keep with the photos')
    .option('--force', 'get it again where it is there')
    .option('--accept-change', 'take an archive that differs from the one of the first time')
    .option('--dry-run', 'say what would be fetched, how large it is and where it goes')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger datasets get sample-fruits
  $ verger datasets get tf-flowers --dry-run
  $ verger datasets get https://example.org/fruits.zip --licence "CC BY 4.0"
  $ verger datasets get fruits --from fruits.zip`,
    )
    .action(async (dataset: string | undefined, options: GetOptions) => {
      const run = await import('../run-datasets-get.ts')
      const json = options.json === true
      if (dataset === undefined || options.list === true) {
        return run.listCatalog(context, { json })
      }
      await run.runDatasetsGet(context, {
        ...{ what: dataset, json, from: options.from },
        ...{ name: options.name, licence: options.licence },
        force: options.force === true,
        acceptChange: options.acceptChange === true,
        dryRun: options.dryRun === true,
      })
    })
}
