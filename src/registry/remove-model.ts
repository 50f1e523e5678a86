/** Deletes a model and says what went with it. */
import type { Store } from '../store/store.ts'
import { listCorrections } from './corrections.ts'
import type { ModelDeletion, Registry } from './registry.ts'

export interface RemovedModel {
  readonly model: string
  readonly versions: number
  /** Changes of its default. */
  readonly changes: number
  readonly corrections: number
  /** False after a dry run. */
  readonly isDeleted: boolean
}

/** Throws like `Registry.deleteModel`. */
export async function removeModel(
  registry: Registry,
  store: Store,
  model: string,
  deletion: ModelDeletion,
): Promise<RemovedModel> {
  const { versions } = await registry.getModel(model)
  const changes = (await registry.readHistory(model)).length
  const corrections = (await listCorrections(store, model)).length
  await registry.deleteModel(model, deletion)
  return { model, versions, changes, corrections, isDeleted: deletion.dryRun !== true }
}
