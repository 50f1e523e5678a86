/** What there is of the versions of a model: those that answer, those that are being made, and those that failed. */
import type { Operation } from '../../../registry/operation.ts'
import { listOperations } from '../../../registry/operations.ts'
import type { Model, Registry, Version } from '../../../registry/registry.ts'
import type { ServingHost } from '../../../serving/serving-host.ts'
import type { OpenedRegistry } from '../../home-registry.ts'
import { orderOf } from '../../operation-work.ts'
import { versionName } from './names.ts'
import { describeFailure } from './operation-views.ts'
import {
  keptFields,
  labelsOrNothing,
  readKept,
  textOrNothing,
  toCloudVersion,
} from './resources.ts'

export interface VersionView {
  /** Bare. */
  readonly name: string
  readonly message: object
}

/** In the order of their names. Throws `model_unknown`. */
export async function viewVersions(
  project: string,
  model: string,
  { registry, store }: Pick<OpenedRegistry, 'registry' | 'store'>,
  host: ServingHost,
): Promise<readonly VersionView[]> {
  const { defaultVersion } = await registry.getModel(model)
  const versions = await registry.listVersions(model)
  const operations = await listOperations(store, model)
  const known = new Set(versions.map(({ name }) => name))
  return [
    ...versions.map((version) => ({
      name: version.name,
      message: viewVersion(project, version, { defaultVersion }, operations, host),
    })),
    ...unmade(operations, known).map((operation) => ({
      name: operation.version ?? '',
      message: viewUnmade(project, operation),
    })),
  ].sort((left, right) => (left.name < right.name ? -1 : 1))
}

/** One of them. Throws `model_unknown`, `version_unknown`. */
export async function findVersion(
  project: string,
  model: string,
  name: string,
  opened: Pick<OpenedRegistry, 'registry' | 'store'>,
  host: ServingHost,
): Promise<object> {
  const found = (await viewVersions(project, model, opened, host)).find(
    (each) => each.name === name,
  )
  if (found !== undefined) return found.message
  // Throws the error that says which there are.
  return toCloudVersion(project, await opened.registry.resolveVersion(model, name), {
    isDefault: false,
    isDeleting: false,
    loaded: undefined,
  })
}

/** The version that answers for a model, or undefined where it has none. */
export async function viewDefault(
  project: string,
  { name, defaultVersion }: Model,
  registry: Registry,
  host: ServingHost,
): Promise<object | undefined> {
  if (defaultVersion === undefined) return undefined
  const version = await registry.resolveVersion(name, defaultVersion)
  return viewVersion(project, version, { defaultVersion }, [], host)
}

function viewVersion(
  project: string,
  version: Version,
  { defaultVersion }: Pick<Model, 'defaultVersion'>,
  operations: readonly Operation[],
  host: ServingHost,
): object {
  const { model, name } = version
  return toCloudVersion(project, version, {
    isDefault: name === defaultVersion,
    isDeleting: operations.some(
      (each) => each.kind === 'delete_version' && each.version === name && each.state === 'running',
    ),
    loaded: host.states().find((each) => each.model === model && each.version === name),
  })
}

/** The latest try at each version that is not there, unless it was cancelled. */
function unmade(
  operations: readonly Operation[],
  known: ReadonlySet<string>,
): readonly Operation[] {
  const latest = new Map<string, Operation>()
  for (const operation of operations) {
    const { kind, version } = operation
    // It has no name before it is made.
    if (version === undefined) continue
    if (kind === 'create_version' && !known.has(version) && !latest.has(version)) {
      latest.set(version, operation)
    }
    // A version that was made and deleted since is gone.
    if (kind === 'delete_version' && operation.state === 'done' && !latest.has(version)) {
      latest.set(version, operation)
    }
  }
  return [...latest.values()].filter(
    ({ kind, state }) => kind === 'create_version' && (state === 'running' || state === 'failed'),
  )
}

/** A version as it was asked for, with its state. */
export function viewUnmade(project: string, operation: Operation): object {
  const { model, version = '', state, createdAt } = operation
  const { description = '', labels = {}, annotations = {} } = orderOf(operation)
  return {
    name: versionName(project, model, version),
    ...textOrNothing('description', description),
    ...keptFields('version', readKept({ annotations })),
    createTime: createdAt,
    state: state === 'failed' ? 'FAILED' : 'CREATING',
    ...(state === 'failed' ? { errorMessage: describeFailure(operation).message } : {}),
    ...labelsOrNothing(labels),
  }
}
