/** The models of this machine. */

import type { Registry } from '../registry/registry.ts'
import { removeModel } from '../registry/remove-model.ts'
import type { Store } from '../store/store.ts'
import { readModelCard } from '../training/model-card.ts'
import type { ModelsApi } from './models-api.ts'

export const homeModels = (registry: Registry, store: Store): ModelsApi => ({
  ...registry,
  removeModel: (name, deletion) => removeModel(store, name, deletion),
  readCard: (name, version) => readModelCard(registry, store, name, version),
})
