/** `verger versions`: the bundles of a model, and which of them answers. */
import { Command, Option } from 'commander'
import type { ScalingName } from '../../importing/import-task.ts'
import type { CommandContext } from '../context.ts'
import { collectLabels } from '../labels.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface Json extends ServerOptions {
  readonly json?: boolean
}

interface Why extends Json {
  readonly why?: string
}

export function createVersionsCommand(context: CommandContext): Command {
  return new Command('versions')
    .summary('register versions of a model, switch and roll back')
    .description('Versions are bundles under the name of a model; they never change.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger versions list fruits\n  $ verger versions set-default fruits/v2 --why "better on bananas"',
    )
    .addCommand(addServerOptions(createListCommand(context)))
    .addCommand(addServerOptions(createCreateCommand(context)))
    .addCommand(addServerOptions(createShowCommand(context)))
    .addCommand(addServerOptions(createReportCommand(context)))
    .addCommand(addServerOptions(createSetDefaultCommand(context)))
    .addCommand(addServerOptions(createRollbackCommand(context)))
    .addCommand(addServerOptions(createCanaryCommand(context)))
    .addCommand(addServerOptions(createShadowCommand(context)))
    .addCommand(addServerOptions(createHistoryCommand(context)))
    .addCommand(addServerOptions(createUpdateCommand(context)))
    .addCommand(addServerOptions(createDeleteCommand(context)))
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list versions, the newest first')
    .description('Lists the versions of a model, the newest first.')
    .argument('<model>', 'name of the model')
    .option('--json', 'print an array of versions')
    .addHelpText('after', '\nExample:\n  $ verger versions list fruits')
    .action(async (model: string, { json = false, ...options }: Json) => {
      const { runVersionsList } = await import('../run-versions.ts')
      await runVersionsList(context, { server: await chooseServer(context, options), model, json })
    })
}

interface CreateOptions extends Why {
  readonly from: string
  readonly description?: string
  readonly label?: readonly string[]
  readonly labels?: string
  readonly scaling?: string
  readonly licence?: string
  readonly setDefault?: boolean
  readonly dryRun?: boolean
}

/** The same as `SCALING_NAMES`, which is not imported so that help stays fast. */
const SCALINGS = ['-1..1', '0..1', '0..255', 'imagenet']

function createCreateCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('test a classifier and register it')
    .description(
      'Takes a bundle, or a classifier that was made elsewhere (a TensorFlow SavedModel, ONNX, all that verger models import reads), from a folder, a file or a bucket; tests it on this machine and registers it. The first version of a model answers at once.',
    )
    .argument('<model[/version]>', 'name of the version (default: the next of v1, v2, …)')
    .requiredOption('--from <source>', 'folder or file, gs://bucket/prefix or s3://bucket/prefix')
    .option('--description <text>', 'what is special about it')
    .option('--label <key=value>', 'label to find it by; may be given again', collectLabels)
    .option(
      '--labels <labels>',
      'names of its classes, where the source does not tell: a file, a,b,c, or imagenet',
    )
    .addOption(
      new Option(
        '--scaling <scaling>',
        'how levels of 0 to 255 enter the network, where the source does not tell',
      ).choices(SCALINGS),
    )
    .option('--licence <name>', 'licence of a classifier that was made elsewhere')
    .option('--set-default', 'let it answer from now on')
    .option('--why <text>', 'reason, for the history of the default')
    .option('--dry-run', 'fetch, read and test it, and register nothing')
    .option('--json', 'print the version')
    .addHelpText(
      'after',
      `
Buckets are reached as their own tools do: AWS_ENDPOINT_URL_S3, AWS_REGION and AWS_ACCESS_KEY_ID for s3://,
GOOGLE_APPLICATION_CREDENTIALS or gcloud's own login for gs://.

Examples:
  $ verger versions create fruits/v2 --from bundles/fruits
  $ verger versions create jean_inception/v1 --from gs://bucket/models/jean_inception/v1
  $ verger versions create fruits --from s3://models/fruits.onnx --labels labels.txt --set-default`,
    )
    .action(async (path: string, options: CreateOptions) => {
      const { runVersionsCreate } = await import('../run-versions-create.ts')
      const { json = false, setDefault = false, dryRun = false, label = [], ...rest } = options
      const { server: named, local, ...facts } = rest
      const server = await chooseServer(context, { server: named, local })
      const scaling = facts.scaling as ScalingName | undefined
      await runVersionsCreate(context, {
        ...{ server, path, setDefault, dryRun, json, label },
        ...{ ...facts, scaling },
      })
    })
}

function createShowCommand(context: CommandContext): Command {
  return new Command('show')
    .summary('show a version and its files')
    .description('Shows a version and its files. The card of the model says how good it is.')
    .argument('<model[/version]>', 'name of the version (default: the one that answers)')
    .option('--json', 'print the version')
    .addHelpText('after', '\nExample:\n  $ verger versions show fruits/v1')
    .action(async (path: string, { json = false, ...options }: Json) => {
      const { runVersionsShow } = await import('../run-versions.ts')
      await runVersionsShow(context, { server: await chooseServer(context, options), path, json })
    })
}

function createReportCommand(context: CommandContext): Command {
  return new Command('report')
    .summary('write the page that shows what it gets wrong')
    .description(
      'Writes the report that was made when a version was trained: one page that opens in a browser without a network.',
    )
    .argument('<model[/version]>', 'name of the version (default: the one that answers)')
    .option('--out <file.html>', 'where to write it (default: below VERGER_HOME)')
    .option('--json', 'print the figures of the report instead')
    .addHelpText('after', '\nExample:\n  $ verger versions report fruits/v1 --out report.html')
    .action(
      async (path: string, { out, json = false, ...options }: Json & { readonly out?: string }) => {
        const { runVersionsReport } = await import('../run-versions-report.ts')
        await runVersionsReport(context, {
          server: await chooseServer(context, options),
          ...{ path, out, json },
        })
      },
    )
}

function createSetDefaultCommand(context: CommandContext): Command {
  return new Command('set-default')
    .summary('let a version answer from now on')
    .description('Lets a version answer from now on, in running servers too.')
    .argument('<model/version>', 'name of the version')
    .option('--why <text>', 'reason, for the history')
    .option('--json', 'print the change')
    .addHelpText(
      'after',
      '\nExample:\n  $ verger versions set-default fruits/v2 --why "better on bananas"',
    )
    .action(async (path: string, { json = false, why, ...options }: Why) => {
      const { runVersionsSetDefault } = await import('../run-versions.ts')
      await runVersionsSetDefault(context, {
        server: await chooseServer(context, options),
        ...{ path, why, json },
      })
    })
}

function createRollbackCommand(context: CommandContext): Command {
  return new Command('rollback')
    .summary('let the default before answer again')
    .description('Lets the default before answer again; once more goes back one further.')
    .argument('<model>', 'name of the model')
    .option('--why <text>', 'reason, for the history')
    .option('--json', 'print the change')
    .addHelpText('after', '\nExample:\n  $ verger versions rollback fruits --why "wrong on pears"')
    .action(async (model: string, { json = false, why, ...options }: Why) => {
      const { runVersionsRollback } = await import('../run-versions.ts')
      await runVersionsRollback(context, {
        server: await chooseServer(context, options),
        ...{ model, why, json },
      })
    })
}

interface TrialOptions extends Why {
  readonly off?: boolean
}

function createCanaryCommand(context: CommandContext): Command {
  return new Command('canary')
    .summary('let a version answer a share of the requests')
    .description(
      'Lets a version answer a share of the requests that name none, drawn by chance. Whoever names a version gets that one.',
    )
    .argument('<model[/version]>', 'name of the version; of the model, to end the trial')
    .option('--percent <n>', 'share of the requests, 1 to 99', Number)
    .option('--off', 'end the trial')
    .option('--why <text>', 'reason, for the history')
    .option('--json', 'print the model')
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger versions canary fruits/v2 --percent 10\n  $ verger versions canary fruits --off',
    )
    .action(async (path: string, options: TrialOptions & { readonly percent?: number }) => {
      const { runVersionsCanary } = await import('../run-trials.ts')
      const { json = false, off: isOff = false, percent, why, ...others } = options
      const server = await chooseServer(context, others)
      await runVersionsCanary(context, { server, path, percent, isOff, why, json })
    })
}

function createShadowCommand(context: CommandContext): Command {
  return new Command('shadow')
    .summary('compare a version with the one that answers')
    .description(
      'Lets a version judge what the default has answered, and counts where they differ. It never answers, and needs the ' +
        'backbone and views of the default.',
    )
    .argument('<model[/version]>', 'name of the version; of the model, to end the trial')
    .option('--off', 'end the trial')
    .option('--why <text>', 'reason, for the history')
    .option('--json', 'print the model')
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger versions shadow fruits/v2\n  $ verger versions shadow fruits --off',
    )
    .action(async (path: string, options: TrialOptions) => {
      const { runVersionsShadow } = await import('../run-trials.ts')
      const { json = false, off: isOff = false, why, ...others } = options
      const server = await chooseServer(context, others)
      await runVersionsShadow(context, { server, path, isOff, why, json })
    })
}

function createHistoryCommand(context: CommandContext): Command {
  return new Command('history')
    .summary('show which version answered when')
    .description('Shows which version answered when, who switched and why, the newest first.')
    .argument('<model>', 'name of the model')
    .option('--json', 'print an array of changes')
    .addHelpText('after', '\nExample:\n  $ verger versions history fruits')
    .action(async (model: string, { json = false, ...options }: Json) => {
      const { runVersionsHistory } = await import('../run-versions.ts')
      await runVersionsHistory(context, {
        server: await chooseServer(context, options),
        model,
        json,
      })
    })
}

interface UpdateOptions extends Json {
  readonly description?: string
  readonly label?: readonly string[]
}

function createUpdateCommand(context: CommandContext): Command {
  return new Command('update')
    .summary('change what is said of a version')
    .description('Changes what is said of a version. What it answers never changes.')
    .argument('<model/version>', 'name of the version')
    .option('--description <text>', 'what is special about it')
    .option(
      '--label <key=value>',
      'set a label, or take it away by key=; may be given again',
      collectLabels,
    )
    .option('--json', 'print the version')
    .addHelpText('after', '\nExample:\n  $ verger versions update fruits/v2 --label stage=trial')
    .action(async (path: string, options: UpdateOptions) => {
      const { runVersionsUpdate } = await import('../run-versions-update.ts')
      const { json = false, description, label = [], ...where } = options
      const server = await chooseServer(context, where)
      await runVersionsUpdate(context, { server, path, description, label, json })
    })
}

function createDeleteCommand(context: CommandContext): Command {
  return new Command('delete')
    .summary('delete a version')
    .description('Deletes a version. The default can only be deleted when it is the last one.')
    .argument('<model/version>', 'name of the version')
    .option('--dry-run', 'say what would be deleted, and delete nothing')
    .option('--why <text>', 'reason, for the history when the default is deleted')
    .option('--json', 'print the version that was deleted')
    .addHelpText('after', '\nExample:\n  $ verger versions delete fruits/v1')
    .action(async (path: string, options: Why & { readonly dryRun?: boolean }) => {
      const { runVersionsDelete } = await import('../run-versions.ts')
      const { json = false, dryRun = false, why } = options
      const server = await chooseServer(context, options)
      await runVersionsDelete(context, { server, path, dryRun, why, json })
    })
}
