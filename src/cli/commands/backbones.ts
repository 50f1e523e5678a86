/** `verger backbones`: the networks that turn photos into features. */
import { Command, Option } from 'commander'
import type { CommandContext } from '../context.ts'

interface Json {
  readonly json?: true
}

interface GetOptions extends Json {
  readonly force?: true
  readonly acceptChange?: true
  readonly dryRun?: true
}

interface ImportOptions extends GetOptions {
  readonly architecture: string
  readonly name?: string
  readonly labels?: string
  readonly licence?: string
}

/** The same as `ARCHITECTURE_IDS`, which is not imported so that help stays fast. */
const ARCHITECTURES = ['efficientnet-lite0', 'mobilenet-v2', 'inception-v3']

export function createBackbonesCommand(context: CommandContext): Command {
  return new Command('backbones')
    .summary('list, pull, import and delete networks')
    .description(
      'Backbones are networks that turn a photo into features, and into their own classes. One ships with Verger; others are kept under VERGER_HOME.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger backbones list\n  $ verger backbones pull inception-v3\n  $ verger backbones import weights.h5 --architecture mobilenet-v2',
    )
    .addCommand(createListCommand(context))
    .addCommand(createPullCommand(context))
    .addCommand(createImportCommand(context))
    .addCommand(createDeleteCommand(context))
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list what is here and what can be pulled')
    .description('Lists backbones with their features, licence, source and state.')
    .option('--json', 'print an array of backbones')
    .addHelpText('after', '\nExample:\n  $ verger backbones list')
    .action(async ({ json }: Json) => {
      const { runBackbonesList } = await import('../run-backbones.ts')
      runBackbonesList(context, { json: json === true })
    })
}

const withGetOptions = (command: Command): Command =>
  command
    .option('--force', 'get it again where it is there')
    .option('--dry-run', 'say what would be read, how large it is and where it goes')
    .option('--json', 'print the result as JSON')

function createPullCommand(context: CommandContext): Command {
  const command = new Command('pull')
    .summary('get the weights that the makers publish')
    .description(
      'Downloads published weights, compares the checksum, reads them, and keeps the network under VERGER_HOME. A stopped download is continued by the next run.',
    )
    .argument('<backbone>', 'inception-v3 or mobilenet-v2')
    .option('--from <file>', 'take this file instead of downloading one')
    .option('--accept-change', 'take a file that differs from the one of the first time')
  return withGetOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ verger backbones pull inception-v3
  $ verger backbones pull mobilenet-v2 --dry-run
  $ verger backbones pull inception-v3 --from inception_v3_weights_tf_dim_ordering_tf_kernels.h5

VERGER_WEIGHTS_URL names a mirror; HTTPS_PROXY and NO_PROXY are honoured.`,
    )
    .action(async (id: string, options: GetOptions & { readonly from?: string }) => {
      const { runBackbonesPull } = await import('../run-backbones-get.ts')
      await runBackbonesPull(context, { id, from: options.from, ...flagsOf(options) })
    })
}

function createImportCommand(context: CommandContext): Command {
  const command = new Command('import')
    .summary('read weights of a known architecture from a file')
    .description(
      'Reads the weights of a known architecture and keeps the network under VERGER_HOME: Keras .h5 and .keras, PyTorch .pth and .pt, .safetensors. Nothing in the file is executed. For a whole classifier of another architecture: verger models import.',
    )
    .argument('<file>', 'file of weights')
    .addOption(
      new Option('--architecture <id>', 'architecture that the weights are of')
        .choices(ARCHITECTURES)
        .makeOptionMandatory(),
    )
    .option('--name <id>', 'id of the backbone (default: architecture and hash of the file)')
    .option('--labels <labels>', 'names of its classes: a file, a,b,c, or imagenet')
    .option('--licence <text>', 'licence to keep with the weights')
  return withGetOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ verger backbones import weights.h5 --architecture mobilenet-v2
  $ verger backbones import flowers.pth --architecture mobilenet-v2 --name flowers --labels labels.txt`,
    )
    .action(async (file: string, options: ImportOptions) => {
      const { runBackbonesImport } = await import('../run-backbones-get.ts')
      const { architecture, name, labels, licence } = options
      const plan = { file, architecture, name, labels, licence, ...flagsOf(options) }
      await runBackbonesImport(context, plan)
    })
}

const flagsOf = ({ force, acceptChange, dryRun, json }: GetOptions) => ({
  force: force === true,
  acceptChange: acceptChange === true,
  dryRun: dryRun === true,
  json: json === true,
})

function createDeleteCommand(context: CommandContext): Command {
  return new Command('delete')
    .summary('delete a backbone of the home')
    .description('Deletes a backbone that was pulled or imported and that no version needs.')
    .argument('<backbone>', 'id of the backbone')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .option('--json', 'print what was deleted')
    .addHelpText('after', '\nExample:\n  $ verger backbones delete mobilenet-v2')
    .action(async (id: string, { dryRun, json }: GetOptions) => {
      const { runBackbonesDelete } = await import('../run-backbones.ts')
      await runBackbonesDelete(context, { id, dryRun: dryRun === true, json: json === true })
    })
}
