/** What operations do, whichever protocol asked for them. */
import { toVergerError } from '../core/errors.ts'
import { type CreateProgress, createVersion } from '../deployment/create-version.ts'
import type { ForeignFacts } from '../deployment/read-source.ts'
import type { AuditEntry } from '../registry/audit.ts'
import type { Made, NewOperation, Operation } from '../registry/operation.ts'
import type { Annotations, Labels, Registry, Version } from '../registry/registry.ts'
import type { Work, WorkContext } from './operation-runner.ts'
import type { RouteOptions } from './route-options.ts'
import { withStagedFolder } from './routes/storage/stage-folder.ts'

type WorkServices = Pick<RouteOptions, 'home' | 'host' | 'config' | 'audit'>

/** What a version is made of and with, as its operation keeps it. */
export interface VersionOrder {
  /** `gs://…` or `s3://…`. */
  readonly from: string
  readonly facts: ForeignFacts
  readonly description?: string | undefined
  readonly labels?: Labels | undefined
  readonly annotations?: Annotations
  readonly setDefault?: boolean
  readonly why?: string | undefined
  /** Who asked for it. */
  readonly who: string
}

/** An operation that makes a version; without a name it gets the next of v1, v2, … */
export const orderVersion = (
  model: string,
  version: string | undefined,
  order: VersionOrder,
): NewOperation => ({ kind: 'create_version', model, version, input: { ...order } })

/** What `orderVersion` kept. */
export const orderOf = ({ input }: Operation): VersionOrder => input as unknown as VersionOrder

/** How an operation ends is an entry of the audit log, beside that of the request which started it. */
export const auditedWorkOf = (services: WorkServices): Work => {
  const work = workOf(services)
  return async (operation, context) => {
    const { id, kind, model, input } = operation
    const record = (outcome: AuditEntry['outcome'], version = operation.version) =>
      services.audit.record({
        who: String(input['who'] ?? 'unknown'),
        action: ACTIONS[kind] ?? kind,
        target: version === undefined ? model : `${model}/${version}`,
        outcome,
        details: { operation: id },
      })
    try {
      const made = await work(operation, context)
      await record('ok', made?.version)
      return made
    } catch (error) {
      // What a closing server leaves is ended by another one.
      if (!context.signal.aborted) await record(toVergerError(error).code)
      throw error
    }
  }
}

const ACTIONS: Readonly<Record<string, string>> = {
  create_version: 'version.create',
  delete_version: 'version.delete',
  delete_model: 'model.delete',
}

const workOf =
  (services: WorkServices): Work =>
  async (operation, context) => {
    switch (operation.kind) {
      case 'create_version':
        return runCreateVersion(operation, context, services)
      case 'delete_version':
        await runDeleteVersion(operation, services)
        return undefined
      case 'delete_model':
        await runDeleteModel(operation, services)
        return undefined
      default:
        // Updates are written down once they are done.
        return undefined
    }
  }

/** Under this name a version tells which operation made it. */
const MADE_BY = 'verger'

/** What a killed attempt left behind is found and not made again. */
async function runCreateVersion(
  operation: Operation,
  { signal, say, progress }: WorkContext,
  { home, host, config }: WorkServices,
): Promise<Made> {
  const { model, version, id } = operation
  const { from, facts, annotations, ...settings } = orderOf(operation)
  const { registry, store } = await home.open()
  const made = await findMade(registry, operation)
  if (made !== undefined) return { version: made.name }
  say(`Making it of ${from}`)
  const { name } = await withStagedFolder(from, store, config.home, (place) =>
    createVersion(
      { registry, blobs: store.blobs, host, config },
      {
        ...{ model, from: place, facts, who: settings.who },
        ...(version === undefined ? {} : { version }),
        ...defined(settings),
        annotations: { ...annotations, [MADE_BY]: { operation: id } },
      },
      { signal, onProgress: tellStages(say, progress), onNote: (note) => say(note, 'NOTICE') },
    ),
  )
  say(`Version ${name} of ${model} can answer`)
  return { version: name }
}

async function findMade(
  registry: Registry,
  { model, attempts, id }: Operation,
): Promise<Version | undefined> {
  if (attempts === 1) return undefined
  const isThere = (await registry.listModels()).some(({ name }) => name === model)
  const versions = isThere ? await registry.listVersions(model) : []
  return versions.find(({ annotations }) => {
    const { operation } = (annotations[MADE_BY] ?? {}) as { readonly operation?: string }
    return operation === id
  })
}

/** One line for each stage; bytes are counted beside them. */
function tellStages(
  say: WorkContext['say'],
  count: WorkContext['progress'],
): (progress: CreateProgress) => void {
  let last = ''
  return (progress) => {
    const { stage } = progress
    if (stage !== last) say(STAGES[stage])
    last = stage
    count({ ...progress })
  }
}

const STAGES: Readonly<Record<CreateProgress['stage'], string>> = {
  fetching: 'Fetching its files',
  reading: 'Reading its files',
  testing: 'Testing that it answers',
  storing: 'Storing its backbone',
  registering: 'Registering it',
}

/** A version that is gone already was deleted by the attempt before. */
async function runDeleteVersion(
  { model, version = '', attempts, input }: Operation,
  { home, host }: WorkServices,
): Promise<void> {
  if (input['isThere'] !== true) return
  const { registry } = await home.open()
  const isThere = (await registry.listVersions(model)).some(({ name }) => name === version)
  if (attempts > 1 && !isThere) return
  await registry.deleteVersion(model, version, { who: String(input['who']) })
  await host.unload(model, version)
}

/** A model that is gone already was deleted by the attempt before. */
async function runDeleteModel(
  { model, attempts }: Operation,
  { home }: WorkServices,
): Promise<void> {
  const { registry } = await home.open()
  const isThere = (await registry.listModels()).some(({ name }) => name === model)
  if (attempts > 1 && !isThere) return
  await registry.deleteModel(model)
}

/** Without what is undefined. */
function defined<Values extends object>(values: Values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Values]?: NonNullable<Values[Key]> }
}
