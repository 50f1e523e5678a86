import { switchDefault } from '../../../deployment/switch-default.ts'
import { recordOperation } from '../../../registry/operations.ts'
import { maySee } from '../../../registry/scopes.ts'
import { requireModel } from '../../authenticator.ts'
import type { RouteOptions } from '../../route-options.ts'
import { fieldError } from './cloud-error.ts'
import type { CloudHandler, CloudRequest } from './cloud-request.ts'
import { parseFilter } from './filter.ts'
import { requireCreatedName, versionName } from './names.ts'
import { toCloudOperation } from './operation-views.ts'
import { pageOf, parsePage } from './pages.ts'
import { type JsonObject, parseMessage } from './parse-message.ts'
import {
  asAnnotations,
  decodeEtag,
  keptFields,
  labelsOf,
  readKept,
  textOf,
  toCloudModel,
} from './resources.ts'
import { startOperation } from './start-operation.ts'
import { parseUpdateMask, valueAt, withValueAt } from './update-mask.ts'
import { viewDefault } from './version-views.ts'

const MODEL = 'GoogleCloudMlV1__Model'

export const createModel: CloudHandler = async ({ params, body, caller }, { home }) => {
  const { project } = params
  const message = parseMessage(MODEL, body, 'model')
  const name = requireCreatedName('model', message['name'], `projects/${project}`)
  requireModel(caller, name)
  checkRegions(message)
  const { registry } = await home.open()
  const description = textOf(message, 'description')
  const labels = labelsOf(message)
  const model = await registry.createModel(name, {
    ...(description === undefined ? {} : { description }),
    ...(labels === undefined ? {} : { labels }),
    annotations: asAnnotations(keptFields('model', message)),
  })
  return toCloudModel(project, model, undefined)
}

export const listModels: CloudHandler = async ({ params, query, caller }, { home, host }) => {
  const { project } = params
  const page = parsePage(query)
  const isWanted = parseFilter(query['filter'])
  const opened = await home.find()
  const models = (await opened?.registry.listModels()) ?? []
  const shown = await Promise.all(
    models
      .filter(({ name }) => maySee(caller, name))
      .map(async (model) => {
        const answering = opened && (await viewDefault(project, model, opened.registry, host))
        return { name: model.name, message: toCloudModel(project, model, answering) }
      }),
  )
  return pageOf(
    shown
      .filter(({ message }) => isWanted(message))
      .sort((left, right) => (left.name < right.name ? -1 : 1)),
    page,
    { name: 'models', keyOf: ({ name }) => name, show: ({ message }) => message },
  )
}

export const getModel: CloudHandler = async ({ params }, services) =>
  viewModel(params.project, params.model, services)

async function viewModel(
  project: string,
  name: string,
  { home, host }: RouteOptions,
): Promise<object> {
  const { registry } = await home.require(name)
  const model = await registry.getModel(name)
  return toCloudModel(project, model, await viewDefault(project, model, registry, host))
}

const CHANGEABLE = [
  'description',
  'labels',
  'regions',
  'onlinePredictionLogging',
  'onlinePredictionConsoleLogging',
  'defaultVersion',
  'defaultVersion.name',
] as const

/** Answers with an operation that is done: nothing of an update takes time but loading a new default. */
export const patchModel: CloudHandler = async (request, services) => {
  const { params, query, body } = request
  const { project, model: name } = params
  const message = parseMessage(MODEL, body, 'model')
  const paths = parseUpdateMask(query['updateMask'], CHANGEABLE, 'model')
  checkRegions(message)
  const { registry, store } = await services.home.require(name)
  const model = await registry.getModel(name)
  const takes = (path: string) => paths.includes(path)
  const ifMatch = decodeEtag(message)
  const switched = takes('defaultVersion') || takes('defaultVersion.name')
  const settings = {
    ...(takes('description') ? { description: textOf(message, 'description') ?? '' } : {}),
    ...(takes('labels') ? { labels: labelsOf(message) ?? {} } : {}),
    annotations: asAnnotations(keptAfter(readKept(model), paths, message)),
  }
  if (!switched || paths.length > 1 || ifMatch !== undefined) {
    await registry.updateModel(name, settings, { ifMatch })
  }
  if (switched) await changeDefault(request, services, valueAt(message, 'defaultVersion.name'))
  const operation = await recordOperation(store, {
    kind: 'update_model',
    model: name,
    version: undefined,
    input: { updateMask: paths },
  })
  return toCloudOperation(project, operation, await viewModel(project, name, services))
}

/** What is kept of a resource once an update took place. */
export function keptAfter(
  kept: JsonObject,
  paths: readonly string[],
  message: JsonObject,
): JsonObject {
  const known = ['description', 'labels', 'defaultVersion', 'defaultVersion.name']
  return paths
    .filter((path) => !known.includes(path))
    .reduce((after, path) => withValueAt(after, path.split('.'), valueAt(message, path)), kept)
}

async function changeDefault(
  { params, caller }: CloudRequest,
  { home, host }: RouteOptions,
  given: unknown,
): Promise<void> {
  const { project, model } = params
  const prefix = versionName(project, model, '')
  const version = typeof given === 'string' ? given.replace(prefix, '') : ''
  if (version === '') {
    throw fieldError('model.default_version.name', 'A name of a version is required.')
  }
  const { registry } = await home.require(model)
  await switchDefault(host, registry, model, version, { who: caller.name })
}

/** Deletes a model that has no versions; one that has is refused before an operation begins. */
export const deleteModel: CloudHandler = async (request, services) => {
  const { model } = request.params
  const { registry } = await services.home.require(model)
  await registry.deleteModel(model, { dryRun: true })
  return startOperation(request, services, {
    kind: 'delete_model',
    model,
    version: undefined,
    input: { who: request.caller.name },
  })
}

function checkRegions({ regions }: JsonObject): void {
  if (!Array.isArray(regions) || regions.length <= 1) return
  throw fieldError(
    'model.regions',
    `At most one region is allowed, received ${regions.join(', ')}.`,
  )
}
