import { createRegistry, type Registry } from '../registry/registry.ts'
import { openStore, type Store, type StoreConfig } from '../store/store.ts'

/** Opens the registry of a home folder for as long as `use` runs. */
export async function withRegistry<Result>(
  { config }: { readonly config: StoreConfig },
  use: (registry: Registry, store: Store) => Promise<Result>,
): Promise<Result> {
  const store = await openStore(config)
  try {
    return await use(createRegistry(store), store)
  } finally {
    await store.close()
  }
}
