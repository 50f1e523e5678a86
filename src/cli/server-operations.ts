/** The operations of a server, over its own API. */
import type { OperationDescription } from '../registry/operation.ts'
import type { AskedServer } from './ask-server.ts'
import type { OperationsApi } from './operations-api.ts'

export function serverOperations({ ask, address }: AskedServer): OperationsApi {
  const ofOperation = (operation: string) => ({ params: { path: { operation } } })
  return {
    option: ` --server ${address.url}`,
    async listOperations(model) {
      const query = model === undefined ? {} : { model }
      const { data } = await ask((client) => client.GET('/api/operations', { params: { query } }))
      return data as readonly OperationDescription[]
    },
    async getOperation(id) {
      const { data } = await ask((client) =>
        client.GET('/api/operations/{operation}', ofOperation(id)),
      )
      return data as OperationDescription
    },
    async cancelOperation(id) {
      const { data } = await ask((client) =>
        client.POST('/api/operations/{operation}/cancel', ofOperation(id)),
      )
      return data as OperationDescription
    },
  }
}
