/** `verger tokens`: who may ask a server for what. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface Json extends ServerOptions {
  readonly json?: boolean
}

interface CreateOptions extends Json {
  readonly scope: readonly string[]
  readonly model?: readonly string[]
  readonly expires?: string
}

export function createTokensCommand(context: CommandContext): Command {
  return new Command('tokens')
    .summary('create, list and revoke tokens of a server')
    .description(
      'A token says who asks and what for: predict (photos in, labels out), read (what there is), manage (everything that changes something, tokens among it). A scope brings no other. From the first token on, every server of this registry wants one.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger tokens create scales --scope predict --model fruits\n  $ verger tokens revoke scales',
    )
    .addCommand(addServerOptions(createCreateCommand(context)))
    .addCommand(addServerOptions(createListCommand(context)))
    .addCommand(addServerOptions(createRevokeCommand(context)))
}

function createCreateCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a token and print it once')
    .description('Creates a token and prints it: once, since only its hash is kept.')
    .argument('<name>', 'what the audit log calls its bearer: letters, digits, _ and -')
    .requiredOption(
      '--scope <scopes>',
      'what it allows: predict, read, manage, or several with commas',
      list,
    )
    .option('--model <name>', 'a model that it is for, and no other; may be repeated', repeat)
    .option('--expires <when>', 'how long it is good for (90d, 12h), or until when (2030-01-31)')
    .option('--json', 'print the token as an object')
    .addHelpText(
      'after',
      `
Examples:
  $ verger tokens create scales --scope predict --model fruits
  $ verger tokens create ci --scope read,manage --expires 90d
  $ TOKEN=$(verger tokens create phone --scope predict)`,
    )
    .action(
      async (name: string, { scope, model, expires, json = false, ...options }: CreateOptions) => {
        const { runTokensCreate } = await import('../run-tokens.ts')
        const server = await chooseServer(context, options)
        await runTokensCreate(context, {
          server,
          name,
          scopes: scope,
          models: model,
          expires,
          json,
        })
      },
    )
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list tokens, without their text')
    .description('Lists all tokens that ever were, without their text.')
    .option('--json', 'print an array of tokens')
    .addHelpText('after', '\nExample:\n  $ verger tokens list')
    .action(async ({ json = false, ...options }: Json) => {
      const { runTokensList } = await import('../run-tokens.ts')
      await runTokensList(context, { server: await chooseServer(context, options), json })
    })
}

function createRevokeCommand(context: CommandContext): Command {
  return new Command('revoke')
    .summary('revoke a token, for good')
    .description('Revokes a token: every server refuses it within a second. Its name stays taken.')
    .argument('<name>', 'name of the token')
    .option('--json', 'print the token')
    .addHelpText('after', '\nExample:\n  $ verger tokens revoke scales')
    .action(async (name: string, { json = false, ...options }: Json) => {
      const { runTokensRevoke } = await import('../run-tokens.ts')
      await runTokensRevoke(context, { server: await chooseServer(context, options), name, json })
    })
}

const list = (text: string): string[] => text.split(',').flatMap((each) => each.trim() || [])

const repeat = (text: string, before: readonly string[] = []): string[] => [...before, text]
