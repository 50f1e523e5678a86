/** Once a day a server does what `verger gc` does, so that nobody has to think of it. */
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import { removeStaleUploads } from '../store/upload-folder.ts'
import type { HomeRegistry } from './home-registry.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** A server that just started has other things to do; servers that are restarted each night still get to it. */
const FIRST_AFTER_MS = 10 * 60 * 1000

export interface DailyGarbage {
  /** Waits for a collection that is under way. */
  close(): Promise<void>
}

/** Waits without keeping the process alive. A collection that fails is said in the log and tried again the next day. */
export function startDailyGarbage(
  home: HomeRegistry,
  { home: path }: Pick<Config, 'home'>,
  logger: Logger,
): DailyGarbage {
  let collecting: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout

  async function collect(): Promise<void> {
    await removeStaleUploads(path)
    const opened = await home.find()
    if (opened === undefined) return
    const { collectGarbage } = await import('../registry/collect-garbage.ts')
    const { expired, removed } = await collectGarbage(opened.store)
    if (removed.count > 0 || Object.keys(expired).length > 0) {
      logger.info({ expired, removed }, 'removed what nothing refers to')
    }
  }

  function schedule(afterMs: number): void {
    // Servers that started together need not work together.
    timer = setTimeout(run, afterMs * (1 + Math.random() / 10))
    timer.unref()
  }

  function run(): void {
    collecting = collect()
      .catch((error: unknown) => logger.warn({ err: error }, 'garbage could not be collected'))
      .finally(() => schedule(DAY_MS))
  }

  schedule(FIRST_AFTER_MS)
  return {
    async close() {
      clearTimeout(timer)
      await collecting
      clearTimeout(timer)
    },
  }
}
