import { toVergerError } from '../../../core/errors.ts'
import type { AuditEntry } from '../../../registry/audit.ts'
import type { Operation } from '../../../registry/operation.ts'
import { getOperation, listOperations, requestCancel } from '../../../registry/operations.ts'
import { maySee } from '../../../registry/scopes.ts'
import type { Store } from '../../../store/store.ts'
import { requireModel } from '../../authenticator.ts'
import type { Work } from '../../operation-runner.ts'
import { fieldError } from './cloud-error.ts'
import type { CloudHandler, CloudRequest, CloudServices } from './cloud-request.ts'
import { parseFilter } from './filter.ts'
import { runDeleteModel } from './models.ts'
import { pageOf, parsePage } from './pages.ts'
import { viewOperation } from './start-operation.ts'
import { runCreateVersion, runDeleteVersion } from './versions.ts'

type WorkServices = Pick<CloudServices, 'home' | 'host' | 'config' | 'audit'>

/** What the operations of this protocol do. How an operation ends is an entry of the audit log, beside that of the request which started it. */
export const auditedWorkOf = (services: WorkServices): Work => {
  const work = workOf(services)
  return async (operation, context) => {
    const { id, kind, model, version, input } = operation
    const record = (outcome: AuditEntry['outcome']) =>
      services.audit.record({
        who: String(input['who'] ?? 'unknown'),
        action: ACTIONS[kind] ?? kind,
        target: version === undefined ? model : `${model}/${version}`,
        outcome,
        details: { operation: id },
      })
    try {
      await work(operation, context)
    } catch (error) {
      // What a closing server leaves is ended by another one.
      if (!context.signal.aborted) await record(toVergerError(error).code)
      throw error
    }
    await record('ok')
  }
}

const ACTIONS: Readonly<Record<string, string>> = {
  create_version: 'version.create',
  delete_version: 'version.delete',
  delete_model: 'model.delete',
}

const workOf =
  (services: WorkServices): Work =>
  async (operation, context) => {
    switch (operation.kind) {
      case 'create_version':
        return runCreateVersion(operation, context, services)
      case 'delete_version':
        return runDeleteVersion(operation, services)
      case 'delete_model':
        return runDeleteModel(operation, services)
      default:
        // Updates are written down once they are done.
        return
    }
  }

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

export const getOperationOf: CloudHandler = async (request, services) => {
  const { operation } = await requireOperation(request, services)
  return viewOperation(request.params.project, operation, services)
}

/** An operation that has ended stays as it is, and asking is no fault. */
export const cancelOperation: CloudHandler = async (request, services) => {
  const { operation, store } = await requireOperation(request, services)
  await requestCancel(store, operation.id)
  return {}
}

async function requireOperation(
  { params, caller }: CloudRequest,
  { home }: CloudServices,
): Promise<{ readonly operation: Operation; readonly store: Store }> {
  const opened = await home.find()
  if (opened === undefined) {
    throw fieldError(
      'name',
      `There is no operation ${JSON.stringify(params.operation)}.`,
      'NOT_FOUND',
    )
  }
  const operation = await getOperation(opened.store, params.operation)
  requireModel(caller, operation.model)
  return { operation, store: opened.store }
}
