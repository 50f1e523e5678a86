/** `verger models`: use cases with a name, each with its versions and a card that says what it can be trusted with. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { VergerError } from '../../core/errors.ts'
import type { ModelSettings } from '../../registry/registry.ts'
import type { CommandContext } from '../context.ts'
import { collectLabels } from '../labels.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface Json extends ServerOptions {
  readonly json?: boolean
}

interface Settings extends Json {
  readonly description?: string
  readonly keepCorrections?: boolean
  readonly keepCorrectionsDays?: number | typeof FOREVER
  readonly label?: readonly string[]
}

export function createModelsCommand(context: CommandContext): Command {
  return new Command('models')
    .summary('list, create, import, show, update and delete models')
    .description('Models are use cases with a name; each has versions, one of which answers.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ verger models list\n  $ verger models show fruits')
    .addCommand(addServerOptions(createListCommand(context)))
    .addCommand(addServerOptions(createCreateCommand(context)))
    .addCommand(addServerOptions(createImportCommand(context)))
    .addCommand(addServerOptions(createShowCommand(context)))
    .addCommand(addServerOptions(createUpdateCommand(context)))
    .addCommand(addServerOptions(createDeleteCommand(context)))
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list models')
    .description('Lists every model with its default version.')
    .option('--json', 'print an array of models')
    .addHelpText('after', '\nExample:\n  $ verger models list')
    .action(async ({ json = false, ...options }: Json) => {
      const { runModelsList } = await import('../run-models.ts')
      await runModelsList(context, { server: await chooseServer(context, options), json })
    })
}

function createCreateCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a model without versions')
    .description('Creates a model without versions. Registering a version creates its model too.')
    .argument('<name>', 'letters, digits, _ and -, starting with a letter')
    .option('--description <text>', 'what the model is for')
    .option('--keep-corrections', 'keep photos whose answer was corrected, for the next training')
    .option('--keep-corrections-days <days>', 'for how long, or forever', parseDays)
    .option('--label <key=value>', 'label to find it by; may be given again', collectLabels)
    .option('--json', 'print the model')
    .addHelpText(
      'after',
      '\nExample:\n  $ verger models create fruits --description "Fruit at the scales of the market"',
    )
    .action(async (name: string, options: Settings) => {
      const { json = false, server, local, label = [], ...given } = options
      const settings = toSettings(given)
      const { runModelsCreate } = await import('../run-models.ts')
      const asked = await chooseServer(context, { server, local })
      await runModelsCreate(context, { server: asked, name, settings, label, json })
    })
}

interface ImportOptions extends Json {
  readonly labels?: string
  readonly register?: string
  readonly setDefault?: true
  readonly out?: string
  readonly scaling?: string
  readonly licence?: string
  readonly dryRun?: true
}

/** The same as `SCALING_NAMES`, which is not imported so that help stays fast. */
const SCALINGS = ['-1..1', '0..1', '0..255', 'imagenet']

function createImportCommand(context: CommandContext): Command {
  return new Command('import')
    .summary('read a classifier that was made elsewhere')
    .description(
      'Reads a whole classifier: a TensorFlow SavedModel, TensorFlow Lite, TensorFlow.js, Keras .keras and .h5, ONNX. Its preprocessing becomes that of Verger, its last layer the head of a version. Nothing in the file is executed, and nothing is registered where anything fails. With --server it is read here, and the server gets what it lacks of the result.',
    )
    .argument('<path>', 'file or folder of the classifier')
    .option('--labels <labels>', 'names of its classes: a file, a,b,c, or imagenet')
    .option('--register <model[/version]>', 'name under which it can be asked for')
    .option('--set-default', 'let it answer for its model from now on')
    .option('--out <dir>', 'folder to write the bundle to')
    .addOption(
      new Option(
        '--scaling <scaling>',
        'how levels of 0 to 255 enter the network, where the file does not tell',
      ).choices(SCALINGS),
    )
    .option('--licence <text>', 'licence to keep with the classifier')
    .option('--dry-run', 'read and try it, and keep nothing')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger models import export/1 --register jean_inception/v1
  $ verger models import fruits.tflite --labels labels.txt --scaling -1..1 --register fruits/v1
  $ verger models import export/1 --register jean_inception/v1 --server https://verger.example.org`,
    )
    .action(async (path: string, options: ImportOptions) => {
      const { runModelsImport } = await import('../run-models-import.ts')
      const { labels, register, out, licence } = options
      const server = await chooseServer(context, whereTo(options))
      await runModelsImport(context, {
        ...{ server, path, labels, register, out, licence },
        scaling: options.scaling as '-1..1' | undefined,
        setDefault: options.setDefault === true,
        dryRun: options.dryRun === true,
        json: options.json === true,
      })
    })
}

/** It is read here, and a server gets what is registered: what is not stays here, whichever server is set. */
function whereTo({ server, local, register }: ImportOptions): ServerOptions {
  if (register !== undefined) return { server, local }
  if (server === undefined) return { local: true }
  throw new VergerError('usage_invalid', 'Expected --register beside --server, received none', {
    hint: `verger models import PATH --register fruits/v1 --server ${server}`,
  })
}

function createShowCommand(context: CommandContext): Command {
  return new Command('show')
    .summary('print the card of a model')
    .description('Prints the card of a model: its data, backbone, licence, figures and limits.')
    .argument('<name>', 'name of the model')
    .option('--version <name>', 'version to show (default: the one that answers)')
    .option('--json', 'print the card as an object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger models show fruits\n  $ verger models show fruits --version v1 --json',
    )
    .action(
      async (name: string, { version, json = false, ...options }: Json & { version?: string }) => {
        const { runModelsShow } = await import('../run-models.ts')
        const server = await chooseServer(context, options)
        await runModelsShow(context, { server, name, version, json })
      },
    )
}

function createUpdateCommand(context: CommandContext): Command {
  return new Command('update')
    .summary('change what a model is for, and opt in or out')
    .description(
      'Changes what a model is said to be for, its labels, and whether and how long corrected photos are kept.',
    )
    .argument('<name>', 'name of the model')
    .option('--description <text>', 'what the model is for')
    .option('--keep-corrections', 'keep photos whose answer was corrected, for the next training')
    .option('--no-keep-corrections', 'keep no further ones')
    .option('--keep-corrections-days <days>', 'for how long, or forever', parseDays)
    .option(
      '--label <key=value>',
      'set a label, or take it away by key=; may be given again',
      collectLabels,
    )
    .option('--json', 'print the model')
    .addHelpText('after', '\nExample:\n  $ verger models update fruits --keep-corrections')
    .action(async (name: string, options: Settings) => {
      const { json = false, server, local, label = [], ...given } = options
      const settings = toSettings(given)
      const { runModelsUpdate } = await import('../run-models.ts')
      const asked = await chooseServer(context, { server, local })
      await runModelsUpdate(context, { server: asked, name, settings, label, json })
    })
}

function createDeleteCommand(context: CommandContext): Command {
  return new Command('delete')
    .summary('delete a model')
    .description('Deletes a model with its history and its corrected photos.')
    .argument('<name>', 'name of the model')
    .option('--force', 'delete its versions too')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .option('--json', 'print what was deleted')
    .addHelpText('after', '\nExample:\n  $ verger models delete fruits --force --dry-run')
    .action(
      async (
        name: string,
        options: Json & { readonly force?: boolean; readonly dryRun?: boolean },
      ) => {
        const { runModelsDelete } = await import('../run-models.ts')
        const { force = false, dryRun = false, json = false } = options
        const server = await chooseServer(context, options)
        await runModelsDelete(context, { server, name, force, dryRun, json })
      },
    )
}

const FOREVER = 'forever'

function parseDays(value: string): number | typeof FOREVER {
  if (value === FOREVER) return FOREVER
  const days = Number(value)
  if (Number.isSafeInteger(days) && days > 0) return days
  throw new InvalidArgumentError(
    `Expected a whole number of days above 0, or ${FOREVER}, received '${value}'.`,
  )
}

/** Commander takes null for a value that is missing. */
function toSettings({ keepCorrectionsDays: days, ...rest }: Omit<Settings, 'json'>): ModelSettings {
  return days === undefined
    ? rest
    : { ...rest, keepCorrectionsDays: days === FOREVER ? null : days }
}
