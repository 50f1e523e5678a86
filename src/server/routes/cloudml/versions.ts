import { VergerError } from '../../../core/errors.ts'
import { type CreateProgress, createVersion } from '../../../deployment/create-version.ts'
import { switchDefault } from '../../../deployment/switch-default.ts'
import type { Operation } from '../../../registry/operation.ts'
import {
  forgetFailures,
  listOperations,
  recordOperation,
  requireSettled,
} from '../../../registry/operations.ts'
import type { WorkContext } from '../../operation-runner.ts'
import { withStagedFolder } from '../storage/stage-folder.ts'
import { fieldError } from './cloud-error.ts'
import type { CloudHandler, CloudServices } from './cloud-request.ts'
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
  return startOperation(request, services, {
    kind: 'create_version',
    model,
    version,
    input: { version: message, who: caller.name },
  })
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

/** Work of the operation: what a killed attempt left behind is found and not made again. */
export async function runCreateVersion(
  operation: Operation,
  { signal, say }: WorkContext,
  { home, host, config }: Pick<CloudServices, 'home' | 'host' | 'config'>,
): Promise<void> {
  const { model, version = '', input, id } = operation
  const asked = input['version'] as JsonObject
  const uri = textOf(asked, 'deploymentUri') ?? ''
  const opened = await home.open()
  const made = (await opened.registry.listVersions(model)).find(({ name }) => name === version)
  if (made !== undefined && readKept(made)['operation'] === id) return
  say(`Making it of ${uri}`)
  const description = textOf(asked, 'description')
  const labels = labelsOf(asked)
  const { registry, store } = opened
  await withStagedFolder(uri, store, config.home, (from) =>
    createVersion(
      { registry, blobs: store.blobs, host, config },
      {
        model,
        version,
        from,
        ...(description === undefined ? {} : { description }),
        ...(labels === undefined ? {} : { labels }),
        annotations: asAnnotations({ ...keptFields('version', asked), operation: id }),
        who: String(input['who']),
        // Nobody can tell more over this protocol; a file labels.txt in the folder names the classes.
        facts: { guessesLabels: true },
      },
      { signal, onProgress: tellStages(say), onNote: (note) => say(note) },
    ),
  )
  say(`Version ${version} of ${model} can answer`)
}

/** One line for each stage; bytes are counted by nobody who reads lines. */
function tellStages(say: WorkContext['say']): (progress: CreateProgress) => void {
  let last = ''
  return ({ stage }) => {
    if (stage !== last) say(STAGES[stage])
    last = stage
  }
}

const STAGES: Readonly<Record<CreateProgress['stage'], string>> = {
  fetching: 'Fetching its files',
  reading: 'Reading its files',
  testing: 'Testing that it answers',
  storing: 'Storing its backbone',
  registering: 'Registering it',
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
  { home, host }: CloudServices,
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

/** Work of the operation; a version that is gone already was deleted by the attempt before. */
export async function runDeleteVersion(
  { model, version = '', attempts, input }: Operation,
  { home, host }: Pick<CloudServices, 'home' | 'host'>,
): Promise<void> {
  if (input['isThere'] !== true) return
  const { registry } = await home.open()
  const isThere = (await registry.listVersions(model)).some(({ name }) => name === version)
  if (attempts > 1 && !isThere) return
  await registry.deleteVersion(model, version, { who: String(input['who']) })
  await host.unload(model, version)
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
