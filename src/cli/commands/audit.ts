/** `verger audit`: who changed what, and who was refused. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface AuditOptions extends ServerOptions {
  readonly since: string
  readonly model?: string
  readonly json?: boolean
}

export function createAuditCommand(context: CommandContext): Command {
  return addServerOptions(new Command('audit'))
    .summary('show who changed what, and who was refused')
    .description(
      'Prints the audit log, the oldest entry first: every change of models, versions, defaults and tokens, by command or over the network, and every request that was refused.',
    )
    .option('--since <when>', 'entries since so long (7d, 12h), or of this date and later', '7d')
    .option('--model <name>', 'entries about this model and its versions')
    .option('--json', 'print an array of entries')
    .addHelpText(
      'after',
      '\nExamples:\n  $ verger audit\n  $ verger audit --since 90d --model fruits\n  $ verger audit --since 2026-01-01 --json\n  $ verger audit --server https://verger.example.com',
    )
    .action(async ({ since, model, json = false, ...options }: AuditOptions) => {
      const { runAudit } = await import('../run-audit.ts')
      await runAudit(context, { server: await chooseServer(context, options), since, model, json })
    })
}
