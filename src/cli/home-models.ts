/** The models of this machine. */
import type { Config } from '../core/config.ts'
import { setCanary, setShadow } from '../deployment/start-trial.ts'
import { rollBack, switchDefault } from '../deployment/switch-default.ts'
import { createTrialDescriber, createTrialHost } from '../deployment/trial-host.ts'
import type { Registry } from '../registry/registry.ts'
import { removeModel } from '../registry/remove-model.ts'
import type { Store } from '../store/store.ts'
import { readModelCard } from '../training/model-card.ts'
import type { ModelsApi } from './models-api.ts'

/** What is to answer is tested first, as a server does. */
export function homeModels(
  registry: Registry,
  store: Store,
  config: Pick<Config, 'home' | 'limits'>,
): ModelsApi {
  const { home, limits } = config
  const { blobs } = store
  const host = createTrialDescriber({ registry, blobs, home }, limits)
  return {
    ...registry,
    setDefault: (...args) => switchDefault(host, registry, ...args),
    rollback: (...args) => rollBack(host, registry, ...args),
    setCanary: (...args) => setCanary(host, registry, ...args),
    setShadow: (...args) => setShadow(host, registry, ...args),
    removeModel: (name, deletion) => removeModel(registry, store, name, deletion),
    async createVersion(version, narrator) {
      // Loads the importers, which no other command needs.
      const { createVersion } = await import('../deployment/create-version.ts')
      const tester = createTrialHost(limits)
      return createVersion({ registry, blobs, host: tester, config }, version, narrator)
    },
    readCard: (name, version) => readModelCard(registry, store, name, version),
  }
}
