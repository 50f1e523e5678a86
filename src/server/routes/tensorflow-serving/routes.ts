/**
 * `/v1/models…`: TensorFlow Serving's REST API and KServe v1, which share their paths. Answers suit both
 * (https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md,
 * https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { toVergerError, VergerError } from '../../../core/errors.ts'
import { maySee } from '../../../registry/scopes.ts'
import { answerAll } from '../../answer-all.ts'
import type { Asked } from '../../answer-photos.ts'
import { formatErrorsBelow } from '../../error-forms.ts'
import type { NamedPhoto } from '../../multipart.ts'
import type { RouteOptions } from '../../route-options.ts'
import { numberOfVersion, versionOfNumber } from '../../version-numbers.ts'
import { bodyOf, registerForeignProtocol, sendJson, TEXT_ERRORS } from '../foreign-protocol.ts'
import { formatTensorflowError, naming } from './errors.ts'
import { describeModel, describeVersion } from './metadata.ts'
import { parseClassifyBody, parsePredictBody } from './request.ts'
import { writeClassifications, writePredictions } from './response.ts'

const tags = ['tensorflow-serving']

interface Path {
  readonly model: string
  readonly version?: string
  readonly label?: string
}

const MODEL = '/v1/models/:model(^[^:/]+)'
/** The version that answers, one by its number or name, and one by a label. */
const TARGETS = [
  { path: MODEL, of: 'the version that answers' },
  { path: `${MODEL}/versions/:version(^[^:/]+)`, of: 'a version' },
  { path: `${MODEL}/labels/:label(^[^:/]+)`, of: 'the version that a label points at' },
] as const

const PARAMS = {
  type: 'object',
  properties: {
    model: { type: 'string', description: 'Name of the model' },
    version: { type: 'string', description: 'Its version: `v3`, or `3` for it' },
    label: { type: 'string', description: '`stable` is the default, `canary` the canary' },
  },
} as const

const modelOf = ({ params }: FastifyRequest): string => (params as Path).model

const describeRoute = (summary: string, path: string, ok: string): FastifySchema => {
  const properties = Object.entries(PARAMS.properties).filter(([name]) =>
    path.includes(`:${name}(`),
  )
  return {
    tags,
    summary,
    params: { type: 'object', properties: Object.fromEntries(properties) },
    response: {
      200: { description: ok },
      ...TEXT_ERRORS,
    },
  }
}

const JSON_BODY = (description: string) => ({
  content: { 'application/json': { schema: { description } } },
})

export async function registerTensorflowServing(
  app: FastifyInstance,
  options: RouteOptions,
): Promise<void> {
  formatErrorsBelow(app, '/v1', formatTensorflowError)
  app.addHook('onRequest', async (request, reply) =>
    asksWhetherAlive(request) ? sendJson(reply, { status: 'alive' }) : undefined,
  )
  const { requestBytes } = options.config.limits
  await registerForeignProtocol(app, requestBytes, (api) => {
    for (const target of TARGETS) {
      registerAnswers(api, target, options)
      registerDescriptions(api, target, options)
    }
    registerList(api, options)
  })
}

/** KServe's clients ask the path of the page: those who accept JSON alone are told, all others get the page. */
const asksWhetherAlive = ({ method, url, headers }: FastifyRequest): boolean =>
  url === '/' && method === 'GET' && headers.accept === 'application/json'

type Target = (typeof TARGETS)[number]

function registerAnswers(api: FastifyInstance, { path, of }: Target, options: RouteOptions): void {
  const config = { scope: 'predict', modelOf } as const
  const answer = async (
    { params }: FastifyRequest,
    reply: FastifyReply,
    photos: readonly NamedPhoto[],
  ) => {
    const wanted = params as Path
    return naming(`Servable not found for request: ${showTarget(wanted)}`, async () => {
      const asked = await resolve(wanted, options)
      return answerAll(reply, photos, asked, options)
    })
  }
  api.post(
    `${path}::predict`,
    {
      config,
      schema: {
        ...describeRoute(`Let ${of} name photos`, path, 'Photo by photo, or output by output'),
        body: JSON_BODY(
          '`{"instances": […]}` with a photo each, or `{"inputs": […]}`; a photo is base64 text, `{"b64": …}`, or either of them named image_base64 or image_bytes',
        ),
      },
    },
    async (request, reply) => {
      const { photos, isRow } = parsePredictBody(bodyOf(request))
      const answers = await answer(request, reply, photos)
      return sendText(reply, writePredictions(answers, isRow))
    },
  )
  api.post(
    `${path}::classify`,
    {
      config,
      schema: {
        ...describeRoute(`Let ${of} classify photos`, path, 'Labels and scores, the best first'),
        body: JSON_BODY('`{"examples": [{"image_bytes": {"b64": …}}, …]}`'),
      },
    },
    async (request, reply) => {
      const answers = await answer(request, reply, parseClassifyBody(bodyOf(request)))
      return sendText(reply, writeClassifications(answers))
    },
  )
  api.post(`${path}::regress`, { config, schema: { hide: true } }, async () => {
    throw new VergerError(
      'request_invalid',
      'Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict',
      { hint: 'A classifier has no regression: ask :classify or :predict.' },
    )
  })
  api.post(`${path}::explain`, { config, schema: { hide: true } }, async () => {
    throw new VergerError('request_invalid', 'Expected predict or classify, received explain', {
      hint: 'Verger explains no prediction.',
    })
  })
}

function registerDescriptions(
  api: FastifyInstance,
  { path, of }: Target,
  options: RouteOptions,
): void {
  const config = { scope: 'read', modelOf } as const
  api.get(
    path,
    { config, schema: describeRoute(`Whether ${of} is ready`, path, 'The state of each version') },
    async ({ params }, reply) => {
      const wanted = params as Path
      const version = wanted.version === undefined ? 'any versions' : `version ${wanted.version}`
      return naming(`Could not find ${version} of model ${wanted.model}`, () =>
        sendStatus(wanted, reply, options),
      )
    },
  )
  api.get(
    `${path}/metadata`,
    { config, schema: describeRoute(`What ${of} takes and gives`, path, 'Its signatures') },
    async ({ params }, reply) => {
      const wanted = params as Path
      return naming(`Servable not found for request: ${showTarget(wanted)}`, async () => {
        const { model, version } = await resolve(wanted, options)
        return sendJson(reply, describeModel(model, await options.host.describe(model, version)))
      })
    },
  )
}

/** TensorFlow Serving has no such list, KServe has. */
function registerList(api: FastifyInstance, { home }: RouteOptions): void {
  api.get(
    '/v1/models',
    {
      config: { scope: 'read', isFiltered: true },
      schema: describeRoute('The names of the models', '', '`{"models": […]}`'),
    },
    async ({ caller }, reply) => {
      const opened = await home.find()
      const models = (await opened?.registry.listModels()) ?? []
      const names = models.map(({ name }) => name).filter((name) => maySee(caller, name))
      return sendJson(reply, { models: names })
    },
  )
}

/**
 * The states of all versions, or of the one that is asked about, which is loaded where it is not. KServe's clients read
 * `ready` and wait as long as the status is 503, TensorFlow Serving's read `model_version_status`.
 */
async function sendStatus(
  wanted: Path,
  reply: FastifyReply,
  { host, home }: RouteOptions,
): Promise<FastifyReply> {
  const { model, version } = await resolve(wanted, { host, home })
  const { registry } = await home.require(model)
  const served = await registry.resolveVersion(model, version)
  const reason = await host.describe(model, served.name).then(
    () => undefined,
    (error: unknown) => toVergerError(error).describe(),
  )
  const isOne = wanted.version !== undefined || wanted.label !== undefined
  const versions = isOne ? [served] : await registry.listVersions(model)
  const states = new Map(
    host.states().map((each) => [`${each.model}/${each.version}`, each] as const),
  )
  const statuses = versions.map(({ name }) => {
    if (name !== served.name) {
      return describeVersion(name, states.get(`${model}/${name}`) ?? { state: 'idle' })
    }
    return describeVersion(
      name,
      reason === undefined ? { state: 'ready' } : { state: 'failed', reason },
    )
  })
  if (reason !== undefined && !isOne) void reply.code(503)
  return sendJson(reply, {
    name: model,
    ready: reason === undefined,
    model_version_status: statuses,
  })
}

/** Labels are the words that Verger has for what they point at. */
async function resolve(
  { model, version, label }: Path,
  { home }: Pick<RouteOptions, 'home'> & Partial<RouteOptions>,
): Promise<Asked & { readonly model: string }> {
  if (version !== undefined) return { model, version: versionOfNumber(version) }
  if (label === undefined) return { model }
  const { registry } = await home.require(model)
  const { defaultVersion, canary } = await registry.getModel(model)
  const target = new Map([
    ['stable', defaultVersion],
    ['canary', canary?.version],
  ]).get(label)
  if (target !== undefined) return { model, version: target }
  throw new VergerError('request_invalid', `Unrecognized servable version label: ${label}`, {
    hint: 'stable is the default of a model, canary the version of its canary.',
  })
}

/** What is asked for, in the words of TensorFlow Serving. */
const showTarget = ({ model, version }: Path): string =>
  version === undefined ? `Latest(${model})` : `Specific(${model}, ${numberOfVersion(version)})`

const sendText = (reply: FastifyReply, json: string): FastifyReply =>
  reply.type('application/json').send(Buffer.from(json))
