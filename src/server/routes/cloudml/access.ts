/** Who may do what. Tokens and their scopes decide that here, and the IAM calls say so. */
import type { Caller, Scope } from '../../../registry/scopes.ts'
import type { RouteOptions } from '../../route-options.ts'
import { findOperation } from '../operations.ts'
import { unimplemented } from './cloud-error.ts'
import type { CloudHandler, CloudRequest } from './cloud-request.ts'
import { parseMessage } from './parse-message.ts'

/** Etag of a policy that nobody ever set. */
const UNSET_ETAG = 'ACAB'

export const getIamPolicy: CloudHandler = async (request, options) => {
  await requireResource(request, options)
  return { version: 1, etag: UNSET_ETAG }
}

/** Throws `model_unknown`, or `operation_unknown` for what stands as a job. */
async function requireResource(
  { params, caller }: CloudRequest,
  { home }: RouteOptions,
): Promise<void> {
  if (params.job !== '') await findOperation(home, params.job, caller)
  else await (await home.require(params.model)).registry.getModel(params.model)
}

/** Saying yes would let somebody believe that others are kept out. */
export const setIamPolicy: CloudHandler = async (request, options) => {
  await requireResource(request, options)
  throw unimplemented(
    'Verger has no IAM policies: tokens with the scopes predict, read and manage, also for single models, decide who may do what (verger tokens create)',
  )
}

const PREDICT = /^ml\.(?:models|versions)\.predict$/
const READ = /^ml\.(?:projects\.getConfig|[a-z]+\.(?:get|list|getIamPolicy))$/
const MANAGE = /^ml\.(?:models|versions|operations|jobs)\.(?:create|update|delete|cancel)$/

export const testIamPermissions: CloudHandler = async (request, options) => {
  await requireResource(request, options)
  const { body, caller } = request
  const { permissions } = parseMessage('GoogleIamV1__TestIamPermissionsRequest', body, 'request')
  const asked = Array.isArray(permissions) ? permissions.map(String) : []
  const held = asked.filter((permission) => allows(caller, permission))
  return held.length === 0 ? {} : { permissions: held }
}

function allows({ scopes }: Caller, permission: string): boolean {
  const scope = scopeOf(permission)
  return scope !== undefined && scopes.includes(scope)
}

function scopeOf(permission: string): Scope | undefined {
  if (PREDICT.test(permission)) return 'predict'
  if (READ.test(permission)) return 'read'
  return MANAGE.test(permission) ? 'manage' : undefined
}
