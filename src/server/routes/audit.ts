/** `GET /api/audit`: who changed what, and who was refused. */
import type { FastifyInstance } from 'fastify'
import type { AuditQuery } from '../../registry/audit.ts'
import type { RouteOptions } from '../route-options.ts'
import { describeFailures } from './schemas.ts'

const MOST = 1000

const AUDIT_SCHEMA = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    at: { type: 'string', format: 'date-time' },
    who: { type: 'string', description: 'Name of the token, or of the user of the command line' },
    action: { type: 'string', description: 'default.set and the like, or the method and path' },
    target: { type: 'string', description: 'fruits/v1, fruits, the name of a token, or nothing' },
    outcome: { type: 'string', description: 'ok, or the code of the error' },
    requestId: { type: 'string' },
    address: { type: 'string', description: 'Absent for the command line' },
    details: { type: 'object', additionalProperties: true },
  },
  required: ['id', 'at', 'who', 'action', 'target', 'outcome', 'details'],
} as const

export function registerAuditRoute(app: FastifyInstance, { home }: RouteOptions): void {
  app.get<{ Querystring: AuditQuery }>(
    '/api/audit',
    {
      config: { scope: 'manage' },
      schema: {
        tags: ['audit'],
        summary: 'Who changed what, and who was refused, the newest first',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            since: { type: 'string', format: 'date-time', description: 'Of this time and later' },
            model: { type: 'string', description: 'About this model or its versions' },
            before: {
              type: 'integer',
              minimum: 1,
              description: 'Older than the entry with this id: the next page',
            },
            limit: { type: 'integer', minimum: 1, maximum: MOST, default: 100 },
          },
        },
        response: {
          200: { description: 'The entries', type: 'array', items: AUDIT_SCHEMA },
          ...describeFailures([]),
        },
      },
    },
    async ({ query }) => {
      const opened = await home.find()
      if (opened === undefined) return []
      const { readAudit } = await import('../../registry/audit.ts')
      const since = query.since === undefined ? undefined : new Date(query.since).toISOString()
      return readAudit(opened.store, { ...query, since })
    },
  )
}
