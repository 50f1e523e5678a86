import { auditedRegistry } from '../registry/audited-registry.ts'
import { currentUser } from '../registry/current-user.ts'
import type { Registry } from '../registry/registry.ts'
import { openStore, type Store, type StoreConfig } from '../store/store.ts'

/** Opens the registry of a home folder for as long as `use` runs; what it changes stands in the audit log. */
export async function withRegistry<Result>(
  { config }: { readonly config: StoreConfig },
  use: (registry: Registry, store: Store) => Promise<Result>,
): Promise<Result> {
  const store = await openStore(config)
  try {
    return await use(auditedRegistry(store, currentUser()), store)
  } finally {
    await store.close()
  }
}
