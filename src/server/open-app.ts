/** Everything that answers requests: the application with its workers and the registry of its home. */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import { openPredictor } from '../serving/predictor.ts'
import { createApp } from './app.ts'
import { createHomeRegistry } from './home-registry.ts'

export interface OpenApp {
  readonly app: FastifyInstance
  /** Resolves once every worker has loaded the network. */
  readonly warming: Promise<void>
  /** Closes the application and then what it stands on. */
  close(): Promise<void>
}

/** Throws an error of the backbone, and `registry_damaged` or `registry_newer`: nobody answers beside a broken registry. */
export async function openApp(config: Config, logger: Logger): Promise<OpenApp> {
  const registry = createHomeRegistry(config)
  const predictor = openPredictor({
    workers: config.workers,
    limits: config.limits,
    versions: registry.versions,
    home: config.home,
  })
  let app: FastifyInstance | undefined
  const close = async () => {
    await app?.close()
    await predictor.close()
    await registry.close()
  }
  try {
    const warming = predictor.warm()
    const finding = registry.find()
    finding.catch(() => {})
    app = await createApp({ config, predictor, registry, warming, logger })
    await finding
    return { app, warming, close }
  } catch (error) {
    await close()
    throw error
  }
}
