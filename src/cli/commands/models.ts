/** `verger models`: use cases with a name, each with its versions and a card that says what it can be trusted with. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

interface Json {
  readonly json?: boolean
}

interface Settings extends Json {
  readonly description?: string
  readonly keepCorrections?: boolean
}

export function createModelsCommand(context: CommandContext): Command {
  return new Command('models')
    .summary('list, create, show, update and delete models')
    .description('Models are use cases with a name; each has versions, one of which answers.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ verger models list\n  $ verger models show fruits')
    .addCommand(createListCommand(context))
    .addCommand(createCreateCommand(context))
    .addCommand(createShowCommand(context))
    .addCommand(createUpdateCommand(context))
    .addCommand(createDeleteCommand(context))
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list models')
    .description('Lists every model with its default version.')
    .option('--json', 'print an array of models')
    .addHelpText('after', '\nExample:\n  $ verger models list')
    .action(async ({ json = false }: Json) => {
      const { runModelsList } = await import('../run-models.ts')
      await runModelsList(context, { json })
    })
}

function createCreateCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a model without versions')
    .description('Creates a model without versions. Registering a version creates its model too.')
    .argument('<name>', 'letters, digits, _ and -, starting with a letter')
    .option('--description <text>', 'what the model is for')
    .option('--keep-corrections', 'keep photos whose answer was corrected, for the next training')
    .option('--json', 'print the model')
    .addHelpText(
      'after',
      '\nExample:\n  $ verger models create fruits --description "Fruit at the scales of the market"',
    )
    .action(async (name: string, { json = false, ...settings }: Settings) => {
      const { runModelsCreate } = await import('../run-models.ts')
      await runModelsCreate(context, { name, settings, json })
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
    .action(async (name: string, { version, json = false }: Json & { version?: string }) => {
      const { runModelsShow } = await import('../run-models.ts')
      await runModelsShow(context, { name, version, json })
    })
}

function createUpdateCommand(context: CommandContext): Command {
  return new Command('update')
    .summary('change what a model is for, and opt in or out')
    .description('Changes what a model is said to be for, and whether corrected photos are kept.')
    .argument('<name>', 'name of the model')
    .option('--description <text>', 'what the model is for')
    .option('--keep-corrections', 'keep photos whose answer was corrected, for the next training')
    .option('--no-keep-corrections', 'keep no further ones')
    .option('--json', 'print the model')
    .addHelpText('after', '\nExample:\n  $ verger models update fruits --keep-corrections')
    .action(async (name: string, { json = false, ...settings }: Settings) => {
      const { runModelsUpdate } = await import('../run-models.ts')
      await runModelsUpdate(context, { name, settings, json })
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
        await runModelsDelete(context, { name, force, dryRun, json })
      },
    )
}
