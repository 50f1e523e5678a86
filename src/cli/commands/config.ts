/** `verger config`: what commands do without being told each time. */
import { Argument, Command } from 'commander'
import type { CommandContext } from '../context.ts'

/** The same as `CONFIG_KEYS`, which is not imported so that help stays fast. */
const KEYS = ['server', 'token'] as const
type Key = (typeof KEYS)[number]

interface Json {
  readonly json?: boolean
}

const keyArgument = () => new Argument('<key>', 'what is set').choices(KEYS)

export function createConfigCommand(context: CommandContext): Command {
  return new Command('config')
    .summary('set the server that commands ask')
    .description(
      'Keeps the address of a Verger that models, versions and predict ask, and the token for it, in VERGER_HOME. --server and VERGER_SERVER come before it, --local asks this machine.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger config set server https://verger.example.org\n  $ verger config set token < token.txt\n  $ verger config list',
    )
    .addCommand(createSetCommand(context))
    .addCommand(createGetCommand(context))
    .addCommand(createListCommand(context))
    .addCommand(createUnsetCommand(context))
}

function createSetCommand(context: CommandContext): Command {
  return new Command('set')
    .summary('keep a server or a token')
    .description(
      'Keeps the address of a server, or a token for it. A token that is not named is read from standard input, so that it stands in no history of a shell. Another server starts without a token.',
    )
    .addArgument(keyArgument())
    .argument('[value]', 'address or token')
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger config set server http://127.0.0.1:4400\n  $ verger config set token < token.txt',
    )
    .action(async (key: Key, value: string | undefined) => {
      const { runConfigSet } = await import('../run-config.ts')
      await runConfigSet(context, { key, value })
    })
}

function createGetCommand(context: CommandContext): Command {
  return new Command('get')
    .summary('print one value')
    .description('Prints a value that is kept; a token is never printed.')
    .addArgument(keyArgument())
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ verger config get server')
    .action(async (key: Key, { json = false }: Json) => {
      const { runConfigGet } = await import('../run-config.ts')
      await runConfigGet(context, { key, json })
    })
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('show what is kept')
    .description('Shows what is kept, and where a variable of the environment comes before it.')
    .option('--json', 'print it as an object')
    .addHelpText('after', '\nExample:\n  $ verger config list')
    .action(async ({ json = false }: Json) => {
      const { runConfigList } = await import('../run-config.ts')
      await runConfigList(context, { json })
    })
}

function createUnsetCommand(context: CommandContext): Command {
  return new Command('unset')
    .summary('forget a server or a token')
    .description('Forgets a server together with its token, or the token alone.')
    .addArgument(keyArgument())
    .addHelpText('after', '\nExample:\n  $ verger config unset server')
    .action(async (key: Key) => {
      const { runConfigUnset } = await import('../run-config.ts')
      await runConfigUnset(context, { key })
    })
}
