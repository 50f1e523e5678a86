/** Shows, awaits and cancels what servers do beside their requests. */
import type { OperationDescription } from '../registry/operation.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { followOperation } from './follow-operation.ts'
import { formatTime } from './formats.ts'
import { narrateSource } from './narrate-source.ts'
import { withOperations } from './operations-api.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatBytes } from './render-dataset.ts'
import type { ServerAddress } from './server-choice.ts'

interface Asked {
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  readonly json: boolean
}

interface OfOperation extends Asked {
  readonly id: string
}

export async function runOperationsList(
  context: CommandContext,
  { server, model, json }: Asked & { readonly model: string | undefined },
): Promise<void> {
  const operations = await withOperations(context, server, (api) => api.listOperations(model))
  if (json) return printJson(context, operations)
  if (operations.length === 0) {
    context.stderr.write('There is no operation; those that ended are listed for 30 days.\n')
    return
  }
  context.stdout.write(
    renderColumns(
      ['operation', 'what', 'of', 'state', 'begun'].map((title) => ({ title })),
      operations.map((each) => [
        each.id,
        printable(each.kind),
        subjectOf(each),
        stateOf(each),
        formatTime(each.createdAt),
      ]),
    ),
  )
}

export async function runOperationsShow(
  context: CommandContext,
  { server, id, json }: OfOperation,
): Promise<void> {
  const operation = await withOperations(context, server, (api) => api.getOperation(id))
  if (json) return printJson(context, operation)
  const { kind, lines } = operation
  context.stdout.write(`${kind} ${subjectOf(operation)}: ${stateOf(operation)}\n`)
  for (const { at, message } of lines) {
    context.stdout.write(`  ${formatTime(at)}  ${printable(message)}\n`)
  }
}

export async function runOperationsWait(
  context: CommandContext,
  { server, id, json }: OfOperation,
): Promise<void> {
  const narrator = narrateSource(context)
  const operation = await withOperations(context, server, async (api) =>
    followOperation(api, await api.getOperation(id), narrator),
  ).finally(narrator.clear)
  if (json) return printJson(context, operation)
  context.stdout.write(`${operation.kind} ${subjectOf(operation)}: done\n`)
}

export async function runOperationsCancel(
  context: CommandContext,
  { server, id, json }: OfOperation,
): Promise<void> {
  const operation = await withOperations(context, server, (api) => api.cancelOperation(id))
  if (json) return printJson(context, operation)
  const isOver = operation.state !== 'running'
  context.stdout.write(
    isOver
      ? `${id} had ended: ${stateOf(operation)}\n`
      : `${id} ends at the next step of the server that runs it.\n`,
  )
}

const subjectOf = ({ model, version }: OperationDescription): string =>
  printable(version === undefined ? model : `${model}/${version}`)

function stateOf({ state, progress, error, isCancelRequested }: OperationDescription): string {
  if (error !== undefined) return `${state}: ${printable(error.message)} [${error.code}]`
  if (state !== 'running') return state
  if (isCancelRequested) return 'running, to be cancelled'
  if (progress === undefined) return state
  const { stage, doneBytes, totalBytes } = progress
  return doneBytes === undefined || totalBytes === undefined
    ? stage
    : `${stage}, ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`
}
