/** Which version of a model answers, and the history of that. */
import type { FastifyInstance } from 'fastify'
import type { RouteOptions } from '../route-options.ts'
import { OF_MODEL, type OfModel, WHY } from './model-schemas.ts'
import { modelOf } from './models.ts'
import { describeFailures, json, refTo } from './schemas.ts'

const tags = ['default']

interface Reason {
  readonly why?: string
}

export function registerDefaultRoutes(app: FastifyInstance, { home }: RouteOptions): void {
  app.put<{ Params: OfModel; Body: Reason & { readonly version: string } }>(
    '/api/models/:model/default',
    {
      config: { scope: 'manage', modelOf },
      schema: {
        tags,
        summary: 'Let a version answer from now on',
        description: 'Requests that are here finish on the version that they started with.',
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
          ...describeFailures(['model_unknown', 'version_unknown']),
        },
      },
    },
    async ({ params: { model }, body: { version, ...reason }, caller }) => {
      const { registry } = await home.require(model)
      const change = await registry.setDefault(model, version, { ...reason, who: caller.name })
      return { defaultVersion: version, ...(change === undefined ? {} : { change }) }
    },
  )

  app.post<{ Params: OfModel; Body: Reason }>(
    '/api/models/:model/rollback',
    {
      config: { scope: 'manage', modelOf },
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
          ...describeFailures(['model_unknown', 'rollback_impossible']),
        },
      },
    },
    async ({ params: { model }, body, caller }) => {
      const { registry } = await home.require(model)
      return registry.rollback(model, { ...body, who: caller.name })
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
}
