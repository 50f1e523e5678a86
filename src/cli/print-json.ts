import type { CommandContext } from './context.ts'

/** What `--json` prints: one value, indented. */
export function printJson({ stdout }: Pick<CommandContext, 'stdout'>, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
