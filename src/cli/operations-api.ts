/** Operations, of this machine's registry or of a server: commands say the same of both. */
import type { OperationDescription } from '../registry/operation.ts'
import type { CommandContext } from './context.ts'
import type { ServerAddress } from './server-choice.ts'

export interface OperationsApi {
  /** Where they run, as an option of a command; empty for this machine. */
  readonly option: string
  /** The newest first, all or those of one model. */
  listOperations(model: string | undefined): Promise<readonly OperationDescription[]>
  /** Throws `operation_unknown`. */
  getOperation(id: string): Promise<OperationDescription>
  /** Asks it to end and gives it as it is. Throws `operation_unknown`. */
  cancelOperation(id: string): Promise<OperationDescription>
}

/** Opens the registry of this machine, or a server where one is given, for as long as `use` runs. */
export async function withOperations<Result>(
  context: Pick<CommandContext, 'config'>,
  server: ServerAddress | undefined,
  use: (operations: OperationsApi) => Promise<Result>,
): Promise<Result> {
  if (server !== undefined) {
    const [{ openServer }, { serverOperations }] = await Promise.all([
      import('./ask-server.ts'),
      import('./server-operations.ts'),
    ])
    const opened = openServer(server)
    return use(serverOperations(opened)).finally(() => opened.close())
  }
  const [{ withRegistry }, { homeOperations }] = await Promise.all([
    import('./with-registry.ts'),
    import('./home-operations.ts'),
  ])
  return withRegistry(context, (_registry, store) => use(homeOperations(store)))
}
