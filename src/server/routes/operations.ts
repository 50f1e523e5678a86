/** `/api/operations`: work that outlives the request that asked for it. */
import type { FastifyInstance } from 'fastify'
import { describeOperation, OPERATION_KINDS, type Operation } from '../../registry/operation.ts'
import {
  getOperation,
  listOperations,
  operationUnknown,
  requestCancel,
} from '../../registry/operations.ts'
import { type Caller, maySee } from '../../registry/scopes.ts'
import type { Store } from '../../store/store.ts'
import { requireModel } from '../authenticator.ts'
import type { HomeRegistry } from '../home-registry.ts'
import type { RouteOptions } from '../route-options.ts'
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

const tags = ['operations']

const PAGE = 1000
const TIME = { type: 'string', format: 'date-time' } as const

export const OPERATION_SCHEMA = {
  $id: 'Operation',
  title: 'Operation',
  type: 'object',
  description: 'Work that goes on whatever becomes of who asked for it, and of the server',
  properties: {
    id: { type: 'string' },
    kind: { type: 'string', enum: OPERATION_KINDS },
    model: { type: 'string' },
    version: {
      type: 'string',
      description:
        'The version that it is about. One that was ordered without a name has it once it is made',
    },
    state: { type: 'string', enum: ['running', 'done', 'failed', 'cancelled'] },
    progress: {
      type: 'object',
      description: 'How far it is, at most a few seconds ago',
      properties: {
        stage: { type: 'string', description: 'fetching, reading, testing, storing, registering' },
        doneBytes: { type: 'integer' },
        totalBytes: { type: 'integer' },
      },
      required: ['stage'],
    },
    error: { description: 'Why it failed', ...refTo('Error') },
    isCancelRequested: { type: 'boolean' },
    attempts: {
      type: 'integer',
      description: 'How many servers have begun it; more than one where one was killed',
    },
    lines: {
      type: 'array',
      description: 'What it had to tell',
      items: {
        type: 'object',
        properties: {
          at: TIME,
          severity: { type: 'string', enum: ['INFO', 'NOTICE', 'WARNING', 'ERROR'] },
          message: { type: 'string' },
        },
        required: ['at', 'severity', 'message'],
      },
    },
    createdAt: TIME,
    endedAt: { ...TIME, description: 'Absent while it is under way' },
  },
  required: ['id', 'kind', 'model', 'state', 'isCancelRequested', 'attempts', 'lines', 'createdAt'],
  examples: [
    {
      id: 'create_fruits_v2-1795337461123',
      kind: 'create_version',
      model: 'fruits',
      version: 'v2',
      state: 'running',
      progress: { stage: 'fetching', doneBytes: 1048576, totalBytes: 18643968 },
      isCancelRequested: false,
      attempts: 1,
      lines: [
        {
          at: '2026-11-22T09:01:01.000Z',
          severity: 'INFO',
          message: 'Making it of gs://models/fruits',
        },
      ],
      createdAt: '2026-11-22T09:01:01.000Z',
    },
  ],
} as const

const OF_OPERATION = {
  type: 'object',
  properties: {
    operation: {
      type: 'string',
      description: 'Id of the operation',
      examples: ['create_fruits_v2-1795337461123'],
    },
  },
  required: ['operation'],
} as const

interface OfOperation {
  readonly operation: string
}

export function registerOperationRoutes(app: FastifyInstance, { home }: RouteOptions): void {
  app.get<{ Querystring: PageQuery & { readonly model?: string } }>(
    '/api/operations',
    {
      config: { scope: 'read', isFiltered: true },
      schema: {
        tags,
        summary: 'The operations, the newest first',
        description: 'Those that have ended are listed for 30 days.',
        querystring: {
          ...pageOf('operation', PAGE),
          properties: {
            ...pageOf('operation', PAGE).properties,
            model: { type: 'string', description: 'Only those that concern this model' },
          },
        },
        response: {
          200: json(
            'The operations',
            { type: 'array', items: refTo('Operation') },
            { headers: LINK_HEADER },
          ),
          ...describeFailures([]),
        },
      },
    },
    async ({ query, caller }, reply) => {
      const opened = await home.find()
      const all = opened === undefined ? [] : await listOperations(opened.store, query.model)
      const seen = all.filter(({ model }) => maySee(caller, model))
      const { page, next } = takePage(
        seen.map((operation) => ({ name: operation.id, operation })),
        query,
      )
      if (next !== undefined) {
        const model = query.model === undefined ? '' : `&model=${encodeURIComponent(query.model)}`
        void reply.header('link', nextLink('/api/operations', `${next}${model}`))
      }
      return page.map(({ operation }) => describeOperation(operation))
    },
  )

  app.get<{ Params: OfOperation }>(
    '/api/operations/:operation',
    {
      config: { scope: 'read', isFiltered: true },
      schema: {
        tags,
        summary: 'An operation: under way, done, failed or cancelled',
        params: OF_OPERATION,
        response: {
          200: json('The operation', refTo('Operation')),
          ...describeFailures(['operation_unknown']),
        },
      },
    },
    async ({ params, caller }) => {
      const { operation } = await findOperation(home, params.operation, caller)
      return describeOperation(operation)
    },
  )

  app.post<{ Params: OfOperation }>(
    '/api/operations/:operation/cancel',
    {
      config: { scope: 'manage', isFiltered: true, action: 'operation.cancel' },
      schema: {
        tags,
        summary: 'Ask an operation to end; one that has ended stays as it is',
        params: OF_OPERATION,
        response: {
          200: json(
            'The operation; it is cancelled a moment later, or was done before',
            refTo('Operation'),
          ),
          ...describeFailures(['operation_unknown']),
        },
      },
    },
    async ({ params, caller }) => {
      const { store, operation } = await findOperation(home, params.operation, caller)
      await requestCancel(store, operation.id)
      return describeOperation(await getOperation(store, operation.id))
    },
  )
}

/** Throws `operation_unknown`, and `forbidden` for one of a model that the caller may not see. */
export async function findOperation(
  home: Pick<HomeRegistry, 'find'>,
  id: string,
  caller: Caller,
): Promise<{ readonly store: Store; readonly operation: Operation }> {
  const opened = await home.find()
  if (opened === undefined) throw operationUnknown(id)
  const operation = await getOperation(opened.store, id)
  requireModel(caller, operation.model)
  return { store: opened.store, operation }
}
