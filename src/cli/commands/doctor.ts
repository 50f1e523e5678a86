/** `verger doctor`: what would make the other commands fail or slow. */
import { Command } from 'commander'
import type { CommandContext } from '../context.ts'

export function createDoctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .summary('find what would make the other commands fail or slow')
    .description('Examines this installation and machine. Each finding comes with its remedy.')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger doctor
  $ verger doctor --json

Exit codes: 0 nothing would fail, 1 something would.`,
    )
    .action(async (options: { json?: true }) => {
      const { runDoctor } = await import('../run-doctor.ts')
      await runDoctor(context, { json: options.json === true })
    })
}
