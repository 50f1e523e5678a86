import type { Config } from '../core/config.ts'
import type { ServingHost } from '../serving/serving-host.ts'
import type { AuditLog } from './audit-log.ts'
import type { Authenticator } from './authenticator.ts'
import type { HomeRegistry } from './home-registry.ts'
import type { Metrics } from './metrics.ts'
import type { OperationRunner } from './operation-runner.ts'
import type { Tracer } from './tracing.ts'

/** What the routes of every protocol stand on. */
export interface RouteOptions {
  readonly host: ServingHost
  readonly home: HomeRegistry
  readonly config: Config
  readonly metrics: Metrics
  /** Undefined where traces are not configured. */
  readonly tracer: Tracer | undefined
  /** For protocols that are not HTTP; requests of HTTP are let in and recorded before a route is asked. */
  readonly authenticator: Authenticator
  readonly audit: AuditLog
  /** Of what outlives the request that asks for it. */
  readonly runner: OperationRunner
}
