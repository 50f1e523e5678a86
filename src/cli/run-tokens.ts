import { parseDurationMs } from '../core/durations.ts'
import type { Token } from '../registry/tokens.ts'
import { withAccess } from './access-api.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import type { ServerAddress } from './server-choice.ts'

/** `server` undefined stands for this machine. */
interface Asked {
  readonly server: ServerAddress | undefined
  readonly json: boolean
}

export interface PlannedToken extends Asked {
  readonly name: string
  readonly scopes: readonly string[]
  readonly models: readonly string[] | undefined
  /** `90d`, or a date. */
  readonly expires: string | undefined
}

/** The token alone goes to standard output, so that a shell can keep it. */
export async function runTokensCreate(
  context: CommandContext,
  { server, name, scopes, models, expires, json }: PlannedToken,
): Promise<void> {
  const expiresAt = expires === undefined ? undefined : expiryOf(expires)
  const created = await withAccess(context, server, (access) =>
    access.createToken({ name, scopes, models, expiresAt }),
  )
  if (json) return printJson(context, created)
  context.stdout.write(`${created.token}\n`)
  context.stderr.write(
    `Created ${name}: ${describe(created)}. This is its only showing; every server of this registry now wants a token.\n`,
  )
}

export async function runTokensList(
  context: CommandContext,
  { server, json }: Asked,
): Promise<void> {
  const tokens = await withAccess(context, server, (access) => access.listTokens())
  if (json) return printJson(context, tokens)
  if (tokens.length === 0) {
    context.stderr.write(
      'There is no token yet. verger tokens create NAME --scope predict makes one.\n',
    )
    return
  }
  context.stdout.write(
    renderColumns(
      ['token', 'state', 'scopes', 'models', 'expires', 'last used', 'created by'].map((title) => ({
        title,
      })),
      tokens.map(({ name, state, scopes, models, expiresAt, lastUsedAt, createdBy }) => [
        name,
        state,
        scopes.join(','),
        models?.join(',') ?? 'all',
        expiresAt === undefined ? 'never' : formatTime(expiresAt),
        lastUsedAt === undefined ? '-' : formatTime(lastUsedAt),
        printable(createdBy),
      ]),
    ),
  )
}

export async function runTokensRevoke(
  context: CommandContext,
  { server, name, json }: Asked & { readonly name: string },
): Promise<void> {
  const { token, others } = await withAccess(context, server, async (access) => {
    const others = (await access.listTokens()).filter((each) => each.name !== name)
    return { token: await access.revokeToken(name), others }
  })
  if (json) return printJson(context, token)
  context.stdout.write(`Revoked ${name}. Every server refuses it within a second.\n`)
  if (others.some(({ state }) => state === 'active')) return
  context.stderr.write(
    'It was the last. Servers still want a token: verger tokens create, or VERGER_TOKEN at their start.\n',
  )
}

/** What is no span of time is left to be read as a date. */
function expiryOf(text: string): string {
  const ms = parseDurationMs(text)
  return ms === undefined ? text : new Date(Date.now() + ms).toISOString()
}

function describe({ scopes, models, expiresAt }: Token): string {
  const which = models === undefined ? 'all models' : models.join(', ')
  const until = expiresAt === undefined ? '' : `, until ${formatTime(expiresAt)}`
  return `${scopes.join(', ')} on ${which}${until}`
}
