import type { Config } from '../core/config.ts'
import type { ServingHost } from '../serving/serving-host.ts'
import type { HomeRegistry } from './home-registry.ts'
import type { Metrics } from './metrics.ts'

/** What the routes of every protocol stand on. */
export interface RouteOptions {
  readonly host: ServingHost
  readonly home: HomeRegistry
  readonly config: Config
  readonly metrics: Metrics
}
