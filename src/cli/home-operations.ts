/** The operations of this machine's registry, which its servers run. */
import { auditedStore } from '../registry/audited-registry.ts'
import { currentUser } from '../registry/current-user.ts'
import { describeOperation } from '../registry/operation.ts'
import { getOperation, listOperations, requestCancel } from '../registry/operations.ts'
import type { Store } from '../store/store.ts'
import type { OperationsApi } from './operations-api.ts'

export function homeOperations(store: Store): OperationsApi {
  return {
    option: '',
    listOperations: async (model) => (await listOperations(store, model)).map(describeOperation),
    getOperation: async (id) => describeOperation(await getOperation(store, id)),
    async cancelOperation(id) {
      const entry = { action: 'operation.cancel', target: id }
      await requestCancel(auditedStore(store, currentUser(), entry), id)
      return describeOperation(await getOperation(store, id))
    },
  }
}
