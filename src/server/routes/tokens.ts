/** `/api/tokens`: who may ask this server for what. */
import type { FastifyInstance } from 'fastify'
import { SCOPES } from '../../registry/scopes.ts'
import type { NewToken } from '../../registry/tokens.ts'
import type { RouteOptions } from '../route-options.ts'
import { describeFailures } from './schemas.ts'

const tags = ['tokens']

const NAMES = { type: 'array', items: { type: 'string' } } as const
const TIME = { type: 'string', format: 'date-time' } as const
const SCOPE_LIST = { type: 'array', items: { type: 'string', enum: SCOPES } } as const

const TOKEN_SCHEMA = {
  description: 'A token, without its text',
  type: 'object',
  properties: {
    name: { type: 'string' },
    scopes: SCOPE_LIST,
    models: { ...NAMES, description: 'The only models that it is for; absent where it is for all' },
    state: { type: 'string', enum: ['active', 'expired', 'revoked'] },
    createdAt: TIME,
    createdBy: { type: 'string' },
    expiresAt: TIME,
    revokedAt: TIME,
    lastUsedAt: { ...TIME, description: 'To the hour' },
  },
  required: ['name', 'scopes', 'state', 'createdAt', 'createdBy'],
} as const

export function registerTokenRoutes(app: FastifyInstance, { home }: RouteOptions): void {
  app.get(
    '/api/tokens',
    {
      config: { scope: 'manage' },
      schema: {
        tags,
        summary: 'All tokens that ever were, in the order in which they were made',
        response: {
          200: { description: 'The tokens', type: 'array', items: TOKEN_SCHEMA },
          ...describeFailures([]),
        },
      },
    },
    async () => {
      const opened = await home.find()
      if (opened === undefined) return []
      const { listTokens } = await import('../../registry/tokens.ts')
      return listTokens(opened.store)
    },
  )

  app.post<{ Body: NewToken }>(
    '/api/tokens',
    {
      config: { scope: 'manage', action: 'token.create' },
      schema: {
        tags,
        summary: 'Create a token',
        description:
          'Its text is in this answer and nowhere else. From the first token on, every server of this registry wants one.',
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            name: { type: 'string', description: 'What the audit log calls its bearer' },
            scopes: { ...NAMES, description: `One or several of ${SCOPES.join(', ')}` },
            models: { ...NAMES, description: 'The only models that it is for' },
            expiresAt: TIME,
          },
          required: ['name', 'scopes'],
          examples: [{ name: 'scales', scopes: ['predict'], models: ['fruits'] }],
        },
        response: {
          201: {
            ...TOKEN_SCHEMA,
            description: 'The token with its text',
            properties: { ...TOKEN_SCHEMA.properties, token: { type: 'string' } },
            required: [...TOKEN_SCHEMA.required, 'token'],
          },
          ...describeFailures([
            'name_invalid',
            'token_invalid',
            'token_exists',
            'model_unknown',
            'disk_full',
            'write_failed',
          ]),
        },
      },
    },
    async ({ body, caller }, reply) => {
      const [{ store }, { createToken }] = await Promise.all([
        home.open(),
        import('../../registry/tokens.ts'),
      ])
      void reply.header('cache-control', 'no-store')
      return reply.code(201).send(await createToken(store, body, caller.name))
    },
  )

  app.delete<{ Params: { readonly name: string } }>(
    '/api/tokens/:name',
    {
      config: { scope: 'manage', action: 'token.revoke' },
      schema: {
        tags,
        summary: 'Revoke a token, for good',
        description:
          'Every server of this registry refuses it within a second. Its name stays taken.',
        params: {
          type: 'object',
          properties: { name: { type: 'string', description: 'Name of the token' } },
          required: ['name'],
        },
        response: { 200: TOKEN_SCHEMA, ...describeFailures(['token_unknown', 'write_failed']) },
      },
    },
    async ({ params }) => {
      const [{ store }, { revokeToken }] = await Promise.all([
        home.open(),
        import('../../registry/tokens.ts'),
      ])
      return revokeToken(store, params.name)
    },
  )
}
