import { listOperations, requestCancel } from '../../../registry/operations.ts'
import { maySee } from '../../../registry/scopes.ts'
import { findOperation } from '../operations.ts'
import type { CloudHandler } from './cloud-request.ts'
import { parseFilter } from './filter.ts'

import { pageOf, parsePage } from './pages.ts'
import { viewOperation } from './start-operation.ts'

export const listOperationsOf: CloudHandler = async ({ params, query, caller }, services) => {
  const page = parsePage(query)
  const isWanted = parseFilter(query['filter'])
  const opened = await services.home.find()
  const operations = opened === undefined ? [] : await listOperations(opened.store)
  const seen = operations.filter(({ model }) => maySee(caller, model))
  const shown = await Promise.all(
    seen.map(async (operation) => ({
      key: `${operation.createdAt} ${operation.id}`,
      message: await viewOperation(params.project, operation, services),
    })),
  )
  return pageOf(
    shown.filter(({ message }) => isWanted(message)),
    page,
    {
      name: 'operations',
      keyOf: ({ key }) => key,
      show: ({ message }) => message,
      isNewestFirst: true,
    },
  )
}

export const getOperationOf: CloudHandler = async ({ params, caller }, services) => {
  const { operation } = await findOperation(services.home, params.operation, caller)
  return viewOperation(params.project, operation, services)
}

/** An operation that has ended stays as it is, and asking is no fault. */
export const cancelOperation: CloudHandler = async ({ params, caller }, { home }) => {
  const { operation, store } = await findOperation(home, params.operation, caller)
  await requestCancel(store, operation.id)
  return {}
}
