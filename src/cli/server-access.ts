/** The tokens and the audit log of a server, over its own API. */
import type { AuditRecord } from '../registry/audit.ts'
import type { CreatedToken, Token } from '../registry/tokens.ts'
import type { AccessApi } from './access-api.ts'
import type { AskedServer } from './ask-server.ts'

/** Entries of one answer; the server gives no more. */
const PAGE = 1000

export function serverAccess({ ask }: AskedServer): AccessApi {
  return {
    async createToken({ name, scopes, models, expiresAt }) {
      const body = {
        ...{ name, scopes: [...scopes] },
        ...(models === undefined ? {} : { models: [...models] }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      const { data } = await ask((client) => client.POST('/api/tokens', { body }))
      return data as CreatedToken
    },
    async listTokens() {
      const { data } = await ask((client) => client.GET('/api/tokens'))
      return data as Token[]
    },
    async revokeToken(name) {
      const params = { path: { name } }
      const { data } = await ask((client) => client.DELETE('/api/tokens/{name}', { params }))
      return data as Token
    },
    async readAudit({ since, model }) {
      const entries: AuditRecord[] = []
      for (let before: number | undefined; ; before = entries.at(-1)?.id) {
        const query = {
          ...{ since, limit: PAGE },
          ...(model === undefined ? {} : { model }),
          ...(before === undefined ? {} : { before }),
        }
        const { data } = await ask((client) => client.GET('/api/audit', { params: { query } }))
        entries.push(...(data as AuditRecord[]))
        if (data.length < PAGE) return entries
      }
    },
  }
}
