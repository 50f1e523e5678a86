/** `/api/models`: use cases with a name. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BUNDLE_MANIFEST, parseBundleManifest } from '../../bundles/verify-bundle.ts'
import { type ErrorDescription, toVergerError, VergerError } from '../../core/errors.ts'
import type { Model, ModelSettings, Precondition, Registry } from '../../registry/registry.ts'
import { maySee } from '../../registry/scopes.ts'
import { readModelCard } from '../../training/model-card.ts'
import { requireModel } from '../authenticator.ts'
import type { RouteOptions } from '../route-options.ts'
import { IF_MATCH, MODEL_SETTINGS, OF_MODEL, type OfModel } from './model-schemas.ts'
import {
  describeFailures,
  json,
  LINK_HEADER,
  nextLink,
  type PageQuery,
  pageOf,
  refTo,
  takePage,
} from './schemas.ts'

const tags = ['models']

export const modelOf = ({ params }: FastifyRequest): string => (params as OfModel).model

/** Each model of a page has its classes read. */
const PAGE = 1000

export function registerModelRoutes(app: FastifyInstance, { home }: RouteOptions): void {
  app.get<{ Querystring: PageQuery }>(
    '/api/models',
    {
      config: { scope: 'read', isFiltered: true },
      schema: {
        tags,
        summary: 'The models, in the order of their names',
        querystring: pageOf('model', PAGE),
        response: {
          200: json(
            'The models',
            { type: 'array', items: refTo('Model') },
            { headers: LINK_HEADER },
          ),
          ...describeFailures([]),
        },
      },
    },
    async ({ caller, query }, reply) => {
      const opened = await home.find()
      if (opened === undefined) return []
      const { registry } = opened
      const models = (await registry.listModels()).filter(({ name }) => maySee(caller, name))
      const { page, next } = takePage(models, query)
      if (next !== undefined) void reply.header('link', nextLink('/api/models', next))
      return Promise.all(page.map((model) => withClasses(registry, model)))
    },
  )

  app.post<{ Body: ModelSettings & { readonly name: string } }>(
    '/api/models',
    {
      config: { scope: 'manage', action: 'model.create', isFiltered: true },
      schema: {
        tags,
        summary: 'Create a model without versions',
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { name: { type: 'string' }, ...MODEL_SETTINGS },
          required: ['name'],
          examples: [{ name: 'fruits', description: 'Fruit at the market' }],
        },
        response: {
          201: json('The model', refTo('Model')),
          ...describeFailures(['name_invalid', 'model_exists', 'settings_invalid']),
        },
      },
    },
    async ({ body: { name, ...settings }, caller }, reply) => {
      requireModel(caller, name)
      const { registry } = await home.open()
      const model = await registry.createModel(name, settings)
      void reply.header('location', `/api/models/${encodeURIComponent(name)}`)
      return tag(reply.code(201), model)
    },
  )

  app.get<{ Params: OfModel }>(
    '/api/models/:model',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'One model',
        params: OF_MODEL,
        response: {
          200: json('The model', refTo('Model')),
          ...describeFailures(['model_unknown']),
        },
      },
    },
    async ({ params }, reply) => {
      const { registry } = await home.require(params.model)
      return tag(reply, await withClasses(registry, await registry.getModel(params.model)))
    },
  )

  app.patch<{ Params: OfModel; Body: ModelSettings }>(
    '/api/models/:model',
    {
      config: { scope: 'manage', action: 'model.update', modelOf },
      schema: {
        tags,
        summary: 'Change what a model is for, and opt in or out',
        params: OF_MODEL,
        headers: IF_MATCH,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: MODEL_SETTINGS,
          examples: [{ keepCorrections: true }],
        },
        response: {
          200: json('The model', refTo('Model')),
          ...describeFailures(['model_unknown', 'settings_invalid', 'etag_mismatch']),
        },
      },
    },
    async ({ params, body, headers }, reply) => {
      const { registry } = await home.require(params.model)
      return tag(reply, await registry.updateModel(params.model, body, preconditionOf(headers)))
    },
  )

  app.delete<{
    Params: OfModel
    Querystring: { readonly force: boolean; readonly dryRun: boolean }
  }>(
    '/api/models/:model',
    {
      config: { scope: 'manage', action: 'model.delete', modelOf },
      schema: {
        tags,
        summary: 'Delete a model with its history and its corrected photos',
        params: OF_MODEL,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            force: { type: 'boolean', default: false, description: 'Delete its versions too' },
            dryRun: { type: 'boolean', default: false, description: 'Say what would be deleted' },
          },
        },
        response: {
          200: json('What was deleted, or would be', {
            type: 'object',
            properties: {
              model: { type: 'string' },
              versions: { type: 'integer' },
              changes: { type: 'integer', description: 'Changes of its default' },
              corrections: { type: 'integer', description: 'Corrected photos' },
              isDeleted: { type: 'boolean' },
            },
            required: ['model', 'versions', 'changes', 'corrections', 'isDeleted'],
          }),
          ...describeFailures(['model_unknown', 'model_has_versions']),
        },
      },
    },
    async ({ params, query }) => {
      const { removeModel } = await import('../../registry/remove-model.ts')
      const { registry, store } = await home.require(params.model)
      return removeModel(registry, store, params.model, query)
    },
  )

  app.get<{ Params: OfModel; Querystring: { readonly version?: string } }>(
    '/api/models/:model/card',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'The card of a model',
        params: OF_MODEL,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            version: { type: 'string', description: 'Version to show; without one its default' },
          },
        },
        response: {
          200: json('The card', refTo('ModelCard')),
          ...describeFailures([
            'model_unknown',
            'version_unknown',
            'model_has_no_version',
            'blob_missing',
            'blob_damaged',
          ]),
        },
      },
    },
    async ({ params, query }) => {
      const { registry, store } = await home.require(params.model)
      return readModelCard(registry, store, params.model, query.version)
    },
  )
}

/** RFC 9110, section 8.8.3. */
export function tag<Item extends { readonly etag: string }>(reply: FastifyReply, item: Item): Item {
  void reply.header('etag', `"${item.etag}"`)
  return item
}

/** Throws `request_invalid` where If-Match names no single strong etag. */
export function preconditionOf({ 'if-match': given }: IncomingHttpHeaders): Precondition {
  if (given === undefined || given === '*') return {}
  const [, ifMatch] = /^"([^"]*)"$/.exec(given) ?? []
  if (ifMatch !== undefined) return { ifMatch }
  throw new VergerError(
    'request_invalid',
    `Expected in the header If-Match one etag in quotes or *, received ${given}`,
    { hint: 'The header ETag of the answer to GET has it as it is to be sent.' },
  )
}

/** A model with the classes of the version that answers; where they cannot be read that is a finding, so that the others show. */
async function withClasses(registry: Registry, model: Model) {
  if (model.defaultVersion === undefined) return model
  return { ...model, ...(await readClasses(registry, model.name, model.defaultVersion)) }
}

async function readClasses(
  registry: Registry,
  model: string,
  name: string,
): Promise<{ readonly classes: readonly string[] } | { readonly error: ErrorDescription }> {
  try {
    const version = await registry.resolveVersion(model, name)
    const manifest = await registry.readVersionFile(version, BUNDLE_MANIFEST)
    return { classes: parseBundleManifest(manifest).labels }
  } catch (error) {
    return { error: toVergerError(error).describe() }
  }
}
