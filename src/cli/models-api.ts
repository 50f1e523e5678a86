/** Models and versions, of this machine or of a server: commands say the same of both. */

import type { CreateOptions, NewVersion } from '../deployment/create-version.ts'
import type { ModelDeletion, Registry, Version } from '../registry/registry.ts'
import type { RemovedModel } from '../registry/remove-model.ts'
import type { ModelCard } from '../training/model-card.ts'
import type { CommandContext } from './context.ts'
import type { ServerAddress } from './server-choice.ts'

/** Hears how far a version has come. */
export interface CreateNarrator extends Pick<CreateOptions, 'onProgress' | 'onNote'> {
  onUpload(doneBytes: number, totalBytes: number): void
  /** The user has asked the command to end, and what it waits for goes on. */
  onLeave(goesOn: string): void
}

export interface ModelsApi
  extends Pick<
    Registry,
    | 'createModel'
    | 'listModels'
    | 'getModel'
    | 'updateModel'
    | 'listVersions'
    | 'resolveVersion'
    | 'updateVersion'
    | 'deleteVersion'
    | 'readVersionFile'
    | 'setDefault'
    | 'rollback'
    | 'setCanary'
    | 'setShadow'
    | 'readHistory'
  > {
  /** Throws like `Registry.deleteModel`. */
  removeModel(name: string, deletion: ModelDeletion): Promise<RemovedModel>
  /** Makes a version of what lies on this machine, or in a bucket. Throws like `createVersion`. */
  createVersion(version: NewVersion, narrator: CreateNarrator): Promise<Version>
  /** Throws like `readModelCard`. */
  readCard(name: string, version: string | undefined): Promise<ModelCard>
}

/** Opens the models of this machine, or of a server where one is given, for as long as `use` runs. */
export async function withModels<Result>(
  context: Pick<CommandContext, 'config'>,
  server: ServerAddress | undefined,
  use: (models: ModelsApi) => Promise<Result>,
): Promise<Result> {
  if (server !== undefined) {
    const [{ openServer }, { serverModels }] = await Promise.all([
      import('./ask-server.ts'),
      import('./server-models.ts'),
    ])
    const opened = openServer(server)
    return use(serverModels(opened, context.config)).finally(() => opened.close())
  }
  const [{ withRegistry }, { homeModels }] = await Promise.all([
    import('./with-registry.ts'),
    import('./home-models.ts'),
  ])
  return withRegistry(context, (registry, store) =>
    use(homeModels(registry, store, context.config)),
  )
}
