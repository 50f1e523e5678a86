import type { FastifyReply } from 'fastify'
import type { Caller } from '../../../registry/scopes.ts'
import type { RouteOptions } from '../../route-options.ts'

/** One call of the API, taken apart. */
export interface CloudRequest {
  /** Names in the path. */
  readonly params: CloudParams
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: unknown
  readonly caller: Caller
  readonly reply: FastifyReply
}

/** A method reads those that its path has; the others are empty. */
export interface CloudParams {
  readonly project: string
  readonly model: string
  readonly version: string
  readonly operation: string
  readonly location: string
  readonly job: string
}

/** Gives the answer in its form on the wire. */
export type CloudHandler = (request: CloudRequest, services: RouteOptions) => Promise<unknown>
