/** `verger operations`: work of servers that goes on beside the requests that asked for it. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface Json extends ServerOptions {
  readonly json?: boolean
}

export function createOperationsCommand(context: CommandContext): Command {
  return new Command('operations')
    .summary('follow and cancel what servers do beside their requests')
    .description(
      'A version that a server fetches from a bucket is made by an operation: it goes on whatever becomes of the command that asked for it, and of the server.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger operations list --server http://127.0.0.1:4400\n  $ verger operations cancel create_fruits_v2-1795337461123',
    )
    .addCommand(addServerOptions(createListCommand(context)))
    .addCommand(addServerOptions(createShowCommand(context)))
    .addCommand(addServerOptions(createWaitCommand(context)))
    .addCommand(addServerOptions(createCancelCommand(context)))
}

function createListCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list operations, the newest first')
    .description('Lists operations, the newest first; those that ended for 30 days.')
    .option('--model <name>', 'operations of this model and its versions')
    .option('--json', 'print an array of operations')
    .addHelpText('after', '\nExample:\n  $ verger operations list --model fruits')
    .action(async ({ model, json = false, ...options }: Json & { readonly model?: string }) => {
      const { runOperationsList } = await import('../run-operations.ts')
      const server = await chooseServer(context, options)
      await runOperationsList(context, { server, model, json })
    })
}

function createShowCommand(context: CommandContext): Command {
  return new Command('show')
    .summary('show how far an operation is, and what it told')
    .description('Shows how far an operation is, and what it told on its way.')
    .argument('<operation>', 'id of the operation')
    .option('--json', 'print the operation')
    .addHelpText('after', '\nExample:\n  $ verger operations show create_fruits_v2-1795337461123')
    .action(async (id: string, { json = false, ...options }: Json) => {
      const { runOperationsShow } = await import('../run-operations.ts')
      await runOperationsShow(context, { server: await chooseServer(context, options), id, json })
    })
}

function createWaitCommand(context: CommandContext): Command {
  return new Command('wait')
    .summary('wait until an operation has ended')
    .description('Waits until an operation is done, and ends with its error where it fails.')
    .argument('<operation>', 'id of the operation')
    .option('--json', 'print the operation')
    .addHelpText('after', '\nExample:\n  $ verger operations wait create_fruits_v2-1795337461123')
    .action(async (id: string, { json = false, ...options }: Json) => {
      const { runOperationsWait } = await import('../run-operations.ts')
      await runOperationsWait(context, { server: await chooseServer(context, options), id, json })
    })
}

function createCancelCommand(context: CommandContext): Command {
  return new Command('cancel')
    .summary('ask an operation to end')
    .description('Asks an operation to end. One that has ended already stays as it is.')
    .argument('<operation>', 'id of the operation')
    .option('--json', 'print the operation')
    .addHelpText('after', '\nExample:\n  $ verger operations cancel create_fruits_v2-1795337461123')
    .action(async (id: string, { json = false, ...options }: Json) => {
      const { runOperationsCancel } = await import('../run-operations.ts')
      await runOperationsCancel(context, { server: await chooseServer(context, options), id, json })
    })
}
