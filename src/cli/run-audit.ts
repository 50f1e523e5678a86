import { parseDurationMs } from '../core/durations.ts'
import { VergerError } from '../core/errors.ts'
import { withAccess } from './access-api.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import type { ServerAddress } from './server-choice.ts'

export interface AuditPlan {
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  /** `7d`, or a date. */
  readonly since: string
  readonly model: string | undefined
  readonly json: boolean
}

export async function runAudit(
  context: CommandContext,
  { server, since, model, json }: AuditPlan,
): Promise<void> {
  const range = { since: startOf(since), model }
  const entries = await withAccess(context, server, (access) => access.readAudit(range))
  entries.reverse()
  if (json) return printJson(context, entries)
  if (entries.length === 0) {
    context.stderr.write(`Nothing was changed or refused since ${formatTime(range.since)}.\n`)
    return
  }
  context.stdout.write(
    renderColumns(
      ['when', 'who', 'what', 'target', 'outcome', 'from'].map((title) => ({ title })),
      entries.map(({ at, who, action, target, outcome, address, details }) => [
        formatTime(at),
        printable(who),
        printable(action),
        printable(target) || '-',
        `${outcome}${typeof details?.['times'] === 'number' ? ` × ${details['times']}` : ''}`,
        address ?? 'here',
      ]),
    ),
  )
}

/** Throws `usage_invalid`. */
function startOf(since: string): string {
  const ms = parseDurationMs(since)
  const start = ms === undefined ? Date.parse(since) : Date.now() - ms
  if (!Number.isNaN(start)) return new Date(start).toISOString()
  throw new VergerError(
    'usage_invalid',
    `Expected --since to be a span of time or a date, received ${JSON.stringify(since)}`,
    { hint: 'For example 7d, 12h, or 2026-01-31.' },
  )
}
