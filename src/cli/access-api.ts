/** Tokens and the audit log, of this machine or of a server: commands say the same of both. */
import type { AuditRecord } from '../registry/audit.ts'
import type { CreatedToken, NewToken, Token } from '../registry/tokens.ts'
import type { CommandContext } from './context.ts'
import type { ServerAddress } from './server-choice.ts'

export interface AuditRange {
  /** Entries of this time and later, ISO 8601. */
  readonly since: string
  readonly model: string | undefined
}

/** Each throws like the function of the registry that has its name. */
export interface AccessApi {
  createToken(given: NewToken): Promise<CreatedToken>
  listTokens(): Promise<Token[]>
  revokeToken(name: string): Promise<Token>
  /** All of them, the newest first. */
  readAudit(range: AuditRange): Promise<AuditRecord[]>
}

/** Opens the registry of this machine, or a server where one is given, for as long as `use` runs. */
export async function withAccess<Result>(
  context: Pick<CommandContext, 'config'>,
  server: ServerAddress | undefined,
  use: (access: AccessApi) => Promise<Result>,
): Promise<Result> {
  if (server !== undefined) {
    const [{ openServer }, { serverAccess }] = await Promise.all([
      import('./ask-server.ts'),
      import('./server-access.ts'),
    ])
    const opened = openServer(server)
    return use(serverAccess(opened)).finally(() => opened.close())
  }
  const [{ withRegistry }, { homeAccess }] = await Promise.all([
    import('./with-registry.ts'),
    import('./home-access.ts'),
  ])
  return withRegistry(context, (_registry, store) => use(homeAccess(store)))
}
