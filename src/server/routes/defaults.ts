/** Which version of a model answers, and the history of that. */
import type { FastifyInstance } from 'fastify'
import { setCanary, setShadow } from '../../deployment/start-trial.ts'
import { rollBack, switchDefault } from '../../deployment/switch-default.ts'
import type { Canary } from '../../registry/registry.ts'
import type { RouteOptions } from '../route-options.ts'
import { OF_MODEL, type OfModel, WHY } from './model-schemas.ts'
import { modelOf, tag } from './models.ts'
import { describeFailures, json, refTo } from './schemas.ts'

const tags = ['default']

/** What keeps a version from answering. */
export const LOAD_CODES = [
  'backbone_differs',
  'backbone_unknown',
  'bundle_damaged',
  'bundle_self_test_failed',
  'blob_missing',
  'blob_damaged',
] as const

const TRIAL_CODES = ['model_unknown', 'version_unknown', 'canary_invalid', ...LOAD_CODES] as const

interface Reason {
  readonly why?: string
}

export function registerDefaultRoutes(app: FastifyInstance, { host, home }: RouteOptions): void {
  app.get<{ Params: OfModel }>(
    '/api/models/:model/default',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'The version that answers where none is named',
        params: OF_MODEL,
        response: {
          200: json('The version', refTo('Version')),
          ...describeFailures(['model_unknown', 'model_has_no_version']),
        },
      },
    },
    async ({ params: { model } }, reply) => {
      const { registry } = await home.require(model)
      const version = await registry.resolveVersion(model)
      return tag(reply, { ...version, isDefault: true })
    },
  )

  app.put<{ Params: OfModel; Body: Reason & { readonly version: string } }>(
    '/api/models/:model/default',
    {
      config: { scope: 'manage', action: 'default.set', modelOf },
      schema: {
        tags,
        summary: 'Let a version answer from now on',
        description:
          'The version is loaded and tested first; where that fails nothing changes and the error says why. ' +
          'Requests that are here finish on the version that they started with.',
        params: OF_MODEL,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { version: { type: 'string' }, why: WHY },
          required: ['version'],
          examples: [{ version: 'v2', why: 'better on bananas' }],
        },
        response: {
          200: json('The version that answers, and the change where it did not before', {
            type: 'object',
            properties: { defaultVersion: { type: 'string' }, change: refTo('DefaultChange') },
            required: ['defaultVersion'],
          }),
          ...describeFailures(['model_unknown', 'version_unknown', ...LOAD_CODES]),
        },
      },
    },
    async ({ params: { model }, body: { version, ...reason }, caller }) => {
      const { registry } = await home.require(model)
      const by = { ...reason, who: caller.name }
      const change = await switchDefault(host, registry, model, version, by)
      return { defaultVersion: version, ...(change === undefined ? {} : { change }) }
    },
  )

  app.post<{ Params: OfModel; Body: Reason }>(
    '/api/models/:model/rollback',
    {
      config: { scope: 'manage', action: 'default.rollback', modelOf },
      schema: {
        tags,
        summary: 'Let the default before answer again; once more goes back one further',
        params: OF_MODEL,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { why: WHY },
          examples: [{ why: 'wrong on pears' }],
        },
        response: {
          200: json('The change', refTo('DefaultChange')),
          ...describeFailures(['model_unknown', 'rollback_impossible', ...LOAD_CODES]),
        },
      },
    },
    async ({ params: { model }, body, caller }) => {
      const { registry } = await home.require(model)
      return rollBack(host, registry, model, { ...body, who: caller.name })
    },
  )

  app.get<{ Params: OfModel }>(
    '/api/models/:model/history',
    {
      config: { scope: 'read', modelOf },
      schema: {
        tags,
        summary: 'Which version answered when, who switched and why, the newest first',
        params: OF_MODEL,
        response: {
          200: json('The changes', { type: 'array', items: refTo('DefaultChange') }),
          ...describeFailures(['model_unknown']),
        },
      },
    },
    async ({ params: { model } }) => {
      const { registry } = await home.require(model)
      return registry.readHistory(model)
    },
  )

  app.put<{ Params: OfModel; Body: Reason & Canary }>(
    '/api/models/:model/canary',
    {
      config: { scope: 'manage', action: 'canary.set', modelOf },
      schema: {
        tags,
        summary: 'Let a version answer a share of the requests that name none',
        params: OF_MODEL,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            version: { type: 'string' },
            percent: { type: 'integer', minimum: 1, maximum: 99, description: 'Of the requests' },
            why: WHY,
          },
          required: ['version', 'percent'],
          examples: [{ version: 'v2', percent: 10 }],
        },
        response: {
          200: json('The model', refTo('Model')),
          ...describeFailures(TRIAL_CODES),
        },
      },
    },
    async ({ params: { model }, body: { version, percent, ...reason }, caller }, reply) => {
      const { registry } = await home.require(model)
      const by = { ...reason, who: caller.name }
      return tag(reply, await setCanary(host, registry, model, { version, percent }, by))
    },
  )

  app.put<{ Params: OfModel; Body: Reason & { readonly version: string } }>(
    '/api/models/:model/shadow',
    {
      config: { scope: 'manage', action: 'shadow.set', modelOf },
      schema: {
        tags,
        summary: 'Ask a version beside the one that answers, and count where they disagree',
        params: OF_MODEL,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { version: { type: 'string' }, why: WHY },
          required: ['version'],
          examples: [{ version: 'v2' }],
        },
        response: {
          200: json('The model', refTo('Model')),
          ...describeFailures(TRIAL_CODES),
        },
      },
    },
    async ({ params: { model }, body: { version, ...reason }, caller }, reply) => {
      const { registry } = await home.require(model)
      const by = { ...reason, who: caller.name }
      return tag(reply, await setShadow(host, registry, model, version, by))
    },
  )

  for (const trial of ['canary', 'shadow'] as const) {
    app.delete<{ Params: OfModel; Querystring: Reason }>(
      `/api/models/:model/${trial}`,
      {
        config: { scope: 'manage', action: `${trial}.set`, modelOf },
        schema: {
          tags,
          summary: `End the ${trial}`,
          params: OF_MODEL,
          querystring: { type: 'object', additionalProperties: false, properties: { why: WHY } },
          response: {
            200: json('The model', refTo('Model')),
            ...describeFailures(['model_unknown']),
          },
        },
      },
      async ({ params: { model }, query, caller }, reply) => {
        const { registry } = await home.require(model)
        const end = trial === 'canary' ? registry.setCanary : registry.setShadow
        return tag(reply, await end(model, undefined, { ...query, who: caller.name }))
      },
    )
  }
}
