/** The command line: finds the command, runs it, and maps what it throws to a text and an exit code. */
import type { Command } from 'commander'
import { type Config, readConfig } from '../core/config.ts'
import { ERROR_CATALOGUE, EXIT_CODES, toVergerError, VergerError } from '../core/errors.ts'
import { readVersion } from '../core/version.ts'
import type { CommandContext } from './context.ts'

type CommandFactory = (context: CommandContext) => Command

/** Commands in the order of the help; each is imported only when it is named. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandFactory>>> = {
  predict: async () => (await import('./commands/predict.ts')).createPredictCommand,
  train: async () => (await import('./commands/train.ts')).createTrainCommand,
  evaluate: async () => (await import('./commands/evaluate.ts')).createEvaluateCommand,
  export: async () => (await import('./commands/export.ts')).createExportCommand,
  publish: async () => (await import('./commands/publish.ts')).createPublishCommand,
  datasets: async () => (await import('./commands/datasets.ts')).createDatasetsCommand,
  backbones: async () => (await import('./commands/backbones.ts')).createBackbonesCommand,
  models: async () => (await import('./commands/models.ts')).createModelsCommand,
  versions: async () => (await import('./commands/versions.ts')).createVersionsCommand,
  operations: async () => (await import('./commands/operations.ts')).createOperationsCommand,
  up: async () => (await import('./commands/up.ts')).createUpCommand,
  tokens: async () => (await import('./commands/tokens.ts')).createTokensCommand,
  audit: async () => (await import('./commands/audit.ts')).createAuditCommand,
  config: async () => (await import('./commands/config.ts')).createConfigCommand,
  backup: async () => (await import('./commands/backup.ts')).createBackupCommand,
  restore: async () => (await import('./commands/restore.ts')).createRestoreCommand,
  gc: async () => (await import('./commands/gc.ts')).createGcCommand,
  cache: async () => (await import('./commands/cache.ts')).createCacheCommand,
  doctor: async () => (await import('./commands/doctor.ts')).createDoctorCommand,
}

/** Builds the program with the one command that `args` names, or with all of them for help and for the reference. */
export async function createProgram(
  context: CommandContext,
  args: readonly string[],
): Promise<Command> {
  const { Command } = await import('commander')
  const program = new Command('verger')
    .description('Photos in, a live classifier out: a self-hosted image-classification platform.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show help for a command')
    // `--version` behind a command names a version of a model.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  $ verger predict photo.jpg
  $ verger train photos/ --register fruits/v1 --set-default
  $ verger predict photo.jpg --model fruits
  $ verger up`,
    )
  const named = args.find((arg) => Object.hasOwn(COMMANDS, arg))
  for (const [name, load] of Object.entries(COMMANDS)) {
    if (named === undefined || name === named) program.addCommand((await load())(context))
  }
  configure(program, 'verger', context)
  return program
}

/** Gives a command and those below it one way to show help and faults; `path` is what a user types to get there. */
function configure(command: Command, path: string, context: CommandContext): void {
  command
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) =>
        write(`error ${toSentence(text)} [usage_invalid]\n  hint ${path} --help\n`),
    })
  for (const below of command.commands) configure(below, `${path} ${below.name()}`, context)
}

/** `error: unknown option '--jsn'\n(Did you mean --json?)` of the parser, as other errors begin. */
function toSentence(text: string): string {
  const [first = '', ...rest] = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
  return `${first.toUpperCase()}${rest.join('')}`
}

/** Runs the command line of this process and ends with its exit code. */
export async function main(): Promise<void> {
  const args = process.argv.slice(2)
  let outputError: NodeJS.ErrnoException | undefined
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `verger … | head` closes our output: a command that writes much listens to that too and ends in order.
    if (error.code !== 'EPIPE') outputError ??= error
  })
  // Found without loading the parser: people and scripts ask for it often.
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    process.stdout.write(`${readVersion()}\n`)
    return
  }
  process.exitCode = await runCommandLine(args)
  if (outputError !== undefined) process.exitCode = await reportError(outputFailed(outputError))
}

async function runCommandLine(args: string[]): Promise<number> {
  let exitCode: number = EXIT_CODES.done
  try {
    const program = await createProgram(
      processContext((code) => (exitCode = code)),
      args,
    )
    if (args.length === 0) {
      program.outputHelp()
      return EXIT_CODES.usage
    }
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    const { CommanderError } = await import('commander')
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage
    }
    return reportError(toVergerError(error))
  }
}

/** Prints an error and gives its exit code. */
async function reportError(error: VergerError): Promise<number> {
  const { renderError } = await import('./render.ts')
  process.stderr.write(renderError(process.stderr, error.describe()))
  if (error.code === 'internal' && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack}\n`)
  }
  return ERROR_CATALOGUE[error.code].exitCode
}

function outputFailed(cause: NodeJS.ErrnoException): VergerError {
  return new VergerError(
    'output_failed',
    `Expected to write the output, received ${cause.message}`,
    {
      hint: 'What was printed before is incomplete. Free some space and run the command again.',
      cause,
    },
  )
}

/** Settings are read when a command asks for them, so that a wrong one does not keep the help from being shown. */
function processContext(setExitCode: (code: number) => void): CommandContext {
  let config: Config | undefined
  const { stdin, stdout, stderr } = process
  return {
    get config() {
      config ??= readConfig()
      return config
    },
    cwd: process.cwd(),
    stdin,
    stdout,
    stderr,
    setExitCode,
  }
}
