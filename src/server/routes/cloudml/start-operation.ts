import type { NewOperation, Operation } from '../../../registry/operation.ts'
import { getOperation } from '../../../registry/operations.ts'
import type { RouteOptions } from '../../route-options.ts'
import type { CloudRequest } from './cloud-request.ts'
import { toCloudOperation } from './operation-views.ts'
import { findVersion, viewUnmade } from './version-views.ts'

/** So long the answer to a request waits for its operation: a bundle is made by then, and gcloud need not ask again. */
const WAIT_MS = 2000

/** Begins an operation and answers with it, as far as it has come after a moment. */
export async function startOperation(
  { params }: CloudRequest,
  services: RouteOptions,
  draft: NewOperation,
): Promise<object> {
  const { store } = await services.home.open()
  const { id } = await services.runner.start(store, draft)
  await services.runner.wait(id, WAIT_MS)
  return viewOperation(params.project, await getOperation(store, id), services)
}

/** An operation with the version that it made or changed. */
export async function viewOperation(
  project: string,
  operation: Operation,
  { home, host }: RouteOptions,
): Promise<object> {
  const { kind, model, version } = operation
  const opened = await home.require(model)
  const subject = async (): Promise<object | undefined> => {
    if (version === undefined) return undefined
    if (kind === 'create_version' && operation.state !== 'done')
      return viewUnmade(project, operation)
    if (kind !== 'create_version' && kind !== 'update_version') return undefined
    // The version, or its model, may be gone by now.
    return findVersion(project, model, version, opened, host).catch(() =>
      kind === 'create_version' ? viewUnmade(project, operation) : undefined,
    )
  }
  return toCloudOperation(project, operation, await subject())
}
