/** The tokens and the audit log of this machine; what is changed stands in the log under the user of the process. */
import { readAudit } from '../registry/audit.ts'
import { auditedStore } from '../registry/audited-registry.ts'
import { currentUser } from '../registry/current-user.ts'
import { createToken, listTokens, revokeToken } from '../registry/tokens.ts'
import type { Store } from '../store/store.ts'
import type { AccessApi } from './access-api.ts'

export function homeAccess(store: Store): AccessApi {
  const who = currentUser()
  const audited = (action: string, target: string) => auditedStore(store, who, { action, target })
  return {
    createToken: (given) => createToken(audited('token.create', given.name), given, who),
    listTokens: () => listTokens(store),
    revokeToken: (name) => revokeToken(audited('token.revoke', name), name),
    readAudit: (range) => readAudit(store, { ...range, limit: Number.MAX_SAFE_INTEGER }),
  }
}
