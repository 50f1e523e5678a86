/** Everything that answers requests: the application with its workers and the registry of its home. */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import { openServingHost } from '../serving/serving-host.ts'
import type { AppOptions } from './app.ts'
import { createAuditLog } from './audit-log.ts'
import { type Authenticator, createAuthenticator } from './authenticator.ts'
import { startDailyGarbage } from './daily-garbage.ts'
import { createFailureLimit } from './failure-limit.ts'
import { createHomeRegistry } from './home-registry.ts'
import { watchHost } from './metrics/watch-host.ts'
import { createMetrics } from './metrics.ts'
import { createTokenIndex } from './token-index.ts'
import { openTracer } from './tracing.ts'

/**
 * Of one photo: two halve the time of the network, more were not measured and would hold cores that the next photo wants
 * (`npm run bench -- alone`).
 */
const MOST_THREADS_ALONE = 2

export interface OpenApp {
  readonly app: FastifyInstance
  /** Resolves once every worker has loaded the network. */
  readonly warming: Promise<void>
  readonly authenticator: Authenticator
  /** Closes the application and then what it stands on. */
  close(): Promise<void>
}

/** Throws an error of the backbone, and `registry_damaged` or `registry_newer`: nobody answers beside a broken registry. */
export async function openApp(
  config: Config,
  logger: Logger,
  listening: Pick<AppOptions, 'describe' | 'tls' | 'isLocal' | 'stopping'> = {},
): Promise<OpenApp> {
  const tracer = config.traces && (await openTracer(config.traces, logger))
  const metrics = createMetrics()
  const home = createHomeRegistry(config, metrics)
  const host = openServingHost({
    workers: config.workers,
    threadsAlone: Math.min(config.workers, MOST_THREADS_ALONE),
    limits: config.limits,
    versions: home.versions,
    home: config.home,
    log: logger,
  })
  watchHost(metrics.registry, host)
  const tokens = createTokenIndex(home, logger)
  const failures = createFailureLimit()
  const authenticator = createAuthenticator({ token: config.token, tokens, failures })
  const audit = createAuditLog(home, logger)
  const garbage = startDailyGarbage(home, config, logger)
  let app: FastifyInstance | undefined
  const close = async () => {
    await app?.close()
    await host.close()
    await Promise.all([tokens.close(), audit.close(), garbage.close()])
    await home.close()
    await tracer?.close()
  }
  try {
    const warming = host.warm()
    const finding = home.find()
    finding.catch(() => {})
    // What answers requests is read while the workers load the network.
    const { createApp } = await import('./app.ts')
    app = await createApp({
      ...{ config, host, home, metrics, tracer, authenticator, audit, warming, logger },
      ...listening,
    })
    await finding
    return { app, warming, authenticator, close }
  } catch (error) {
    await close()
    throw error
  }
}
