/** JSON Schemas that several routes share. */
import type { FastifyInstance } from 'fastify'
import { ERROR_CATALOGUE, type ErrorCode, VergerError } from '../../core/errors.ts'

const ERROR_SCHEMA = {
  $id: 'Error',
  title: 'Error',
  description: 'What was wrong',
  type: 'object',
  properties: {
    code: { type: 'string', description: 'Stable; listed in docs/reference/errors.md' },
    message: { type: 'string', description: 'What was expected and what was received' },
    hint: { type: 'string', description: 'What to do' },
  },
  required: ['code', 'message'],
  examples: [
    {
      code: 'model_unknown',
      message: 'Expected the name of a model, received "fruit"; there is fruits',
      hint: 'Did you mean fruits?',
    },
  ],
} as const

const FAILURE_SCHEMA = {
  $id: 'Failure',
  title: 'Failure',
  description: 'The answer to a request that could not be fulfilled',
  type: 'object',
  properties: { error: { $ref: 'Error#' } },
  required: ['error'],
} as const

/** A reference to one of the schemas that have a name, which is also that of their type in the client. */
export const refTo = (name: string) => ({ $ref: `${name}#` }) as const

/** Gives an application the schemas that have a name. */
export function addSharedSchemas(app: FastifyInstance, schemas: readonly object[]): void {
  for (const schema of [ERROR_SCHEMA, FAILURE_SCHEMA, ...schemas]) app.addSchema(schema)
}

/** A response of JSON. */
export const json = (description: string, schema: object, more: object = {}) => ({
  description,
  content: { 'application/json': { schema } },
  ...more,
})

/** Codes that any route may answer with. */
const COMMON_CODES: readonly ErrorCode[] = [
  'request_invalid',
  'unauthorized',
  'too_many_failures',
  'forbidden',
  'origin_refused',
  'request_timeout',
  'internal',
  'registry_busy',
  'server_closing',
]

/** The responses of a route beside its good one: a status with the codes that it stands for. */
export function describeFailures(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set([...COMMON_CODES, ...codes].toSorted())) {
    const { status } = ERROR_CATALOGUE[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [status, json(names.join(', '), refTo('Failure'))]),
  )
}

/** Part of a list: how many at most, and behind which. */
export const pageOf = (name: string, limit: number) =>
  ({
    type: 'object',
    additionalProperties: false,
    properties: {
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: limit,
        default: limit,
        description: `Most ${name}s in the answer; the header Link names the next page`,
      },
      after: { type: 'string', description: `Name of the last ${name} of the page before` },
    },
  }) as const

export interface PageQuery {
  readonly limit: number
  readonly after?: string
}

/** The items behind `after`, and the query of the page behind them where there is one. */
export function takePage<Item extends { readonly name: string }>(
  items: readonly Item[],
  { limit, after }: PageQuery,
): { readonly page: readonly Item[]; readonly next?: string } {
  const start = after === undefined ? 0 : items.findIndex(({ name }) => name === after) + 1
  if (after !== undefined && start === 0) {
    throw new VergerError(
      'request_invalid',
      `Expected in querystring/after a name of the list, received ${JSON.stringify(after)}`,
      { hint: 'Ask for the first page again: the item was deleted.' },
    )
  }
  const page = items.slice(start, start + limit)
  const last = page.at(-1)
  if (last === undefined || start + limit >= items.length) return { page }
  return { page, next: new URLSearchParams({ limit: String(limit), after: last.name }).toString() }
}

/** RFC 8288: where the next page is. */
export const nextLink = (path: string, query: string): string => `<${path}?${query}>; rel="next"`

export const LINK_HEADER = {
  Link: { type: 'string', description: 'Where the next page is: <…>; rel="next" (RFC 8288)' },
} as const
