/**
 * CloudML v1 (AI Platform Training & Prediction) below `/v1/projects`, for the CLI and the client libraries that outlived
 * the service. The methods stand in `methods.ts`; here they get their routes.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import { formatErrorsBelow } from '../../error-forms.ts'
import type { RouteOptions } from '../../route-options.ts'
import { bodyOf, registerForeignProtocol } from '../foreign-protocol.ts'
import { getIamPolicy, setIamPolicy, testIamPermissions } from './access.ts'
import { formatCloudError, unimplemented } from './cloud-error.ts'
import type { CloudHandler, CloudParams } from './cloud-request.ts'
import { describeApi } from './discovery.ts'
import { cancelJob, createJob, getJob, listJobs, patchJob } from './jobs.ts'
import { getConfig, getLocation, listLocations } from './locations.ts'
import { listEntries } from './logging.ts'
import { CLOUD_METHODS, type CloudMethod, type MethodId } from './methods.ts'
import { createModel, deleteModel, getModel, listModels, patchModel } from './models.ts'
import { cancelOperation, getOperationOf, listOperationsOf } from './operations.ts'
import { selectFields } from './partial-response.ts'
import { explain, formatPredictError, predict } from './predict.ts'
import {
  createVersionOperation,
  deleteVersion,
  getVersion,
  listVersions,
  patchVersion,
  setDefaultVersion,
} from './versions.ts'

const HANDLERS: Readonly<Record<MethodId, CloudHandler>> = {
  'projects.getConfig': getConfig,
  'projects.predict': predict,
  'projects.explain': explain,
  'projects.models.create': createModel,
  'projects.models.list': listModels,
  'projects.models.get': getModel,
  'projects.models.patch': patchModel,
  'projects.models.delete': deleteModel,
  'projects.models.getIamPolicy': getIamPolicy,
  'projects.models.setIamPolicy': setIamPolicy,
  'projects.models.testIamPermissions': testIamPermissions,
  'projects.models.versions.create': createVersionOperation,
  'projects.models.versions.list': listVersions,
  'projects.models.versions.get': getVersion,
  'projects.models.versions.patch': patchVersion,
  'projects.models.versions.delete': deleteVersion,
  'projects.models.versions.setDefault': setDefaultVersion,
  'projects.operations.list': listOperationsOf,
  'projects.operations.get': getOperationOf,
  'projects.operations.cancel': cancelOperation,
  'projects.locations.list': listLocations,
  'projects.locations.get': getLocation,
  'projects.locations.operations.get': getOperationOf,
  'projects.locations.operations.cancel': cancelOperation,
  'projects.jobs.create': createJob,
  'projects.jobs.list': listJobs,
  'projects.jobs.get': getJob,
  'projects.jobs.patch': patchJob,
  'projects.jobs.cancel': cancelJob,
  'projects.jobs.getIamPolicy': getIamPolicy,
  'projects.jobs.setIamPolicy': setIamPolicy,
  'projects.jobs.testIamPermissions': testIamPermissions,
}

export async function registerCloudRoutes(
  app: FastifyInstance,
  options: RouteOptions,
): Promise<void> {
  formatErrorsBelow(app, '/v1/projects', formatCloudError)
  formatErrorsBelow(app, '/$discovery', formatCloudError)
  formatErrorsBelow(app, '/v2/entries', formatCloudError)
  await registerForeignProtocol(app, options.config.limits.requestBytes, (scope) => {
    for (const method of CLOUD_METHODS) registerMethod(scope, method, options)
    refuseStudies(scope)
    scope.post(
      '/v2/entries::list',
      { config: { scope: 'read', isFiltered: true }, schema: { hide: true } },
      async (request) => listEntries(readBody(request), request.caller, options.home),
    )
    for (const url of ['/$discovery/rest', '/discovery/v1/apis/ml/v1/rest']) {
      scope.get<{ Querystring: { version?: string } }>(
        url,
        { config: { isOpen: true }, schema: { hide: true } },
        async ({ query: { version = 'v1' }, protocol, host }) => {
          if (version === 'v1') return describeApi(`${protocol}://${host}/`)
          throw new VergerError('route_unknown', `Expected version=v1, received ${version}`)
        },
      )
    }
  })
}

/** The service could search hyperparameters too; what its clients ask of that is refused by name. */
function refuseStudies(app: FastifyInstance): void {
  for (const end of ['', '/*']) {
    app.all(
      `/v1/projects/:project/locations/:location/studies${end}`,
      { config: { scope: 'read', isFiltered: true }, schema: { hide: true } },
      async () => {
        throw unimplemented(
          'Studies are not offered: verger train searches the settings of its classifier by itself',
        )
      },
    )
  }
}

/** A body is JSON whatever its content type says, and nothing where it is empty: curl and googleapis send such. */
function readBody(request: FastifyRequest): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bodyOf(request))
    return text.trim() === '' ? undefined : JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new VergerError('request_invalid', `Invalid JSON payload received. ${reason}`, { cause })
  }
}

/** Collections of a path → the name of the parameter that stands for one of them. */
const PARAMETERS: Readonly<Record<string, keyof CloudParams>> = {
  projects: 'project',
  models: 'model',
  versions: 'version',
  operations: 'operation',
  locations: 'location',
  jobs: 'job',
}

const NO_PARAMS: CloudParams = {
  project: '',
  model: '',
  version: '',
  operation: '',
  location: '',
  job: '',
}

/** What the audit log calls a method that changes something, in the words of the command line. */
const ACTIONS: Partial<Record<MethodId, string>> = {
  'projects.models.create': 'model.create',
  'projects.models.patch': 'model.update',
  'projects.models.delete': 'operation.start',
  'projects.models.versions.create': 'operation.start',
  'projects.models.versions.patch': 'version.update',
  'projects.models.versions.delete': 'operation.start',
  'projects.models.versions.setDefault': 'default.set',
  'projects.jobs.cancel': 'operation.cancel',
  'projects.operations.cancel': 'operation.cancel',
  'projects.locations.operations.cancel': 'operation.cancel',
}

function actionOf(id: MethodId): { readonly action?: string } {
  const action = ACTIONS[id]
  return action === undefined ? {} : { action }
}

/** Routes without a model in their path look for themselves whether the caller may see what they show. */
function registerMethod(app: FastifyInstance, method: CloudMethod, services: RouteOptions): void {
  const handle = HANDLERS[method.id]
  for (const url of urlsOf(method)) {
    const hasModel = url.includes(':model')
    app.route<{ Params: Partial<CloudParams>; Querystring: RawQuery }>({
      method: method.verb,
      url,
      schema: { hide: true },
      config: {
        scope: method.scope,
        ...actionOf(method.id),
        ...(hasModel ? { modelOf } : { isFiltered: true as const }),
        ...(method.id === 'projects.predict' ? { formatError: formatPredictError } : {}),
      },
      handler: async (request, reply) => {
        const query = readQuery(request.query)
        if (query['alt'] === 'proto') {
          throw new VergerError(
            'request_invalid',
            'Expected alt=json or alt=media, received alt=proto',
          )
        }
        const { caller } = request
        const body = readBody(request)
        const params = { ...NO_PARAMS, ...request.params }
        const answer = await handle({ params, query, body, caller, reply }, services)
        return selectFields(answer, query['fields'])
      },
    })
  }
}

const modelOf = ({ params }: FastifyRequest): string | undefined =>
  (params as Partial<CloudParams>).model

type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>

/** The last value of each parameter. */
function readQuery(query: RawQuery): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      typeof value === 'object' ? value.at(-1) : value,
    ]),
  )
}

/** The paths of a method, as the router writes them. What takes every name below a project takes models and versions, and says so of a project. */
function urlsOf({ of, collection, action, isWide }: CloudMethod): readonly string[] {
  const resources = isWide
    ? [['projects'], ['projects', 'models'], ['projects', 'models', 'versions']]
    : [of]
  return resources.map((names) => {
    const path = names.map((name, index) => {
      // What is before a colon ends at it.
      const isLast = index === names.length - 1 && action !== undefined
      return `${name}/:${PARAMETERS[name]}${isLast ? '(^[^/:]+)' : ''}`
    })
    const suffix = collection === undefined ? '' : `/${collection}`
    return `/v1/${path.join('/')}${suffix}${action === undefined ? '' : `::${action}`}`
  })
}
