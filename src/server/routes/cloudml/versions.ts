import { VergerError } from '../../../core/errors.ts'
import { switchDefault } from '../../../deployment/switch-default.ts'
import {
  forgetFailures,
  listOperations,
  recordOperation,
  requireSettled,
} from '../../../registry/operations.ts'
import { orderVersion } from '../../operation-work.ts'
import type { RouteOptions } from '../../route-options.ts'
import { fieldError } from './cloud-error.ts'
import type { CloudHandler } from './cloud-request.ts'
import { parseFilter } from './filter.ts'
import { keptAfter } from './models.ts'
import { modelName, requireCreatedName } from './names.ts'
import { toCloudOperation } from './operation-views.ts'
import { pageOf, parsePage } from './pages.ts'
import { type JsonObject, parseMessage } from './parse-message.ts'
import { asAnnotations, decodeEtag, keptFields, labelsOf, readKept, textOf } from './resources.ts'
import { startOperation } from './start-operation.ts'
import { parseUpdateMask } from './update-mask.ts'
import { findVersion, viewVersions } from './version-views.ts'

const VERSION = 'GoogleCloudMlV1__Version'

/** Begins to make a version; what can be refused without reading its files is refused at once. */
export const createVersionOperation: CloudHandler = async (request, services) => {
  const { params, body, caller } = request
  const { project, model } = params
  const message = parseMessage(VERSION, body, 'version')
  const version = requireCreatedName('version', message['name'], modelName(project, model))
  checkVersion(message)
  const { registry, store } = await services.home.require(model)
  const versions = await registry.listVersions(model)
  const isUnderWay = (await listOperations(store, model)).some(
    (each) =>
      each.kind === 'create_version' && each.version === version && each.state === 'running',
  )
  if (isUnderWay || versions.some(({ name }) => name === version)) {
    throw new VergerError('version_exists', `Expected a new name, ${model}/${version} exists`)
  }
  const order = {
    from: textOf(message, 'deploymentUri') ?? '',
    description: textOf(message, 'description'),
    labels: labelsOf(message),
    annotations: asAnnotations(keptFields('version', message)),
    // Nobody can tell more over this protocol; a file labels.txt in the folder names the classes.
    facts: { guessesLabels: true },
    who: caller.name,
  }
  return startOperation(request, services, orderVersion(model, version, order))
}

/** Throws `request_invalid` for what Verger cannot do; it would answer otherwise than the caller believes. */
function checkVersion(message: JsonObject): void {
  const refused: readonly (readonly [string, string])[] = [
    ['container', 'Verger runs no containers.'],
    ['routes', 'Verger runs no containers.'],
    ['predictionClass', 'Verger runs no code of others.'],
    ['packageUris', 'Verger runs no code of others.'],
  ]
  for (const [name, because] of refused) {
    if (message[name] === undefined) continue
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    throw fieldError(
      `version.${field}`,
      `${because} Export the classifier as a SavedModel or an ONNX file.`,
    )
  }
  const framework = textOf(message, 'framework')
  if (framework === 'SCIKIT_LEARN' || framework === 'XGBOOST') {
    throw fieldError(
      'version.framework',
      `Expected TENSORFLOW, or none for an ONNX file or a bundle of Verger, received ${framework}.`,
    )
  }
  if (message['manualScaling'] !== undefined && message['autoScaling'] !== undefined) {
    throw fieldError(
      'version.manual_scaling',
      'Only one of manual_scaling and auto_scaling is allowed.',
    )
  }
  const uri = textOf(message, 'deploymentUri')
  if (uri !== undefined && /^(?:gs|s3):\/\/[^/]+\/?/.test(uri)) return
  throw fieldError(
    'version.deployment_uri',
    `Expected a folder with a model, such as gs://BUCKET/PATH, received ${uri === undefined ? 'none' : JSON.stringify(uri)}.`,
  )
}

export const listVersions: CloudHandler = async ({ params, query }, { home, host }) => {
  const { project, model } = params
  const page = parsePage(query)
  const isWanted = parseFilter(query['filter'])
  const views = await viewVersions(project, model, await home.require(model), host)
  return pageOf(
    views.filter(({ message }) => isWanted(message)),
    page,
    { name: 'versions', keyOf: ({ name }) => name, show: ({ message }) => message },
  )
}

export const getVersion: CloudHandler = async ({ params }, services) =>
  viewVersion(params, services)

async function viewVersion(
  { project, model, version }: { project: string; model: string; version: string },
  { home, host }: RouteOptions,
): Promise<object> {
  return findVersion(project, model, version, await home.require(model), host)
}

const CHANGEABLE = [
  'description',
  'labels',
  'requestLoggingConfig',
  'requestLoggingConfig.samplingPercentage',
  'requestLoggingConfig.bigqueryTableName',
  'autoScaling',
  'autoScaling.minNodes',
  'autoScaling.maxNodes',
  'autoScaling.metrics',
  'manualScaling',
  'manualScaling.nodes',
] as const

export const patchVersion: CloudHandler = async ({ params, query, body }, services) => {
  const { project, model, version: name } = params
  const message = parseMessage(VERSION, body, 'version')
  const paths = parseUpdateMask(query['updateMask'], CHANGEABLE, 'version')
  const { registry, store } = await services.home.require(model)
  await requireSettled(store, model, name)
  const version = await registry.resolveVersion(model, name)
  await registry.updateVersion(
    model,
    name,
    {
      ...(paths.includes('description')
        ? { description: textOf(message, 'description') ?? '' }
        : {}),
      ...(paths.includes('labels') ? { labels: labelsOf(message) ?? {} } : {}),
      annotations: asAnnotations(keptAfter(readKept(version), paths, message)),
    },
    { ifMatch: decodeEtag(message) },
  )
  const operation = await recordOperation(store, {
    kind: 'update_version',
    model,
    version: name,
    input: { updateMask: paths },
  })
  return toCloudOperation(project, operation, await viewVersion(params, services))
}

/** Deletes a version, or what is left of one that could not be made. */
export const deleteVersion: CloudHandler = async (request, services) => {
  const { model, version } = request.params
  const { registry, store } = await services.home.require(model)
  await requireSettled(store, model, version)
  const isThere = (await registry.listVersions(model)).some(({ name }) => name === version)
  const forgotten = await forgetFailures(store, model, version)
  if (isThere || !forgotten) await registry.deleteVersion(model, version, { dryRun: true })
  return startOperation(request, services, {
    kind: 'delete_version',
    model,
    version,
    input: { who: request.caller.name, isThere },
  })
}

/** Answers with the version once it is loaded, has passed its self-test, and answers. */
export const setDefaultVersion: CloudHandler = async ({ params, body, caller }, services) => {
  const { model, version } = params
  parseMessage('GoogleCloudMlV1__SetDefaultVersionRequest', body, 'request')
  const { registry, store } = await services.home.require(model)
  await requireSettled(store, model, version)
  await switchDefault(services.host, registry, model, version, { who: caller.name })
  return viewVersion(params, services)
}
