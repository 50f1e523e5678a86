/** Models and versions of the registry ⇄ their form on the wire. */
import type { Labels, Model, Version } from '../../../registry/registry.ts'
import type { VersionState } from '../../../serving/serving-host.ts'
import { modelName, versionName } from './names.ts'
import { isObject, type JsonObject } from './parse-message.ts'

/** Under this name the fields that only this protocol has are kept with a model or version. */
const PROTOCOL = 'cloudml'

const KEPT = {
  model: ['regions', 'onlinePredictionLogging', 'onlinePredictionConsoleLogging'],
  version: [
    'deploymentUri',
    'runtimeVersion',
    'pythonVersion',
    'framework',
    'machineType',
    'acceleratorConfig',
    'autoScaling',
    'manualScaling',
    'serviceAccount',
    'requestLoggingConfig',
    'explanationConfig',
  ],
} as const

/** The fields of a message that the registry keeps and does not understand. */
export function keptFields(kind: 'model' | 'version', message: JsonObject): JsonObject {
  return Object.fromEntries(
    KEPT[kind].flatMap((name) => {
      const value = message[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** As `annotations` of the registry. */
export const asAnnotations = (kept: JsonObject) => ({ [PROTOCOL]: kept })

/** What `keptFields` once gave. */
export function readKept({ annotations }: Pick<Model, 'annotations'>): JsonObject {
  const kept = annotations[PROTOCOL]
  return isObject(kept) ? (kept as JsonObject) : {}
}

export function toCloudModel(
  project: string,
  model: Model,
  defaultVersion: object | undefined,
): object {
  const { name, description, labels, etag } = model
  return {
    name: modelName(project, name),
    ...textOrNothing('description', description),
    ...(defaultVersion === undefined ? {} : { defaultVersion }),
    ...keptFields('model', readKept(model)),
    ...labelsOrNothing(labels),
    etag: encodeEtag(etag),
  }
}

export interface Standing {
  readonly isDefault: boolean
  readonly isDeleting: boolean
  /** What the serving host of this process knows of it. */
  readonly loaded: VersionState | undefined
}

export function toCloudVersion(
  project: string,
  version: Version,
  { isDefault, isDeleting, loaded }: Standing,
): object {
  const { model, name, description, labels, etag, createdAt } = version
  const isFailed = loaded?.state === 'failed'
  return {
    name: versionName(project, model, name),
    ...textOrNothing('description', description),
    ...(isDefault ? { isDefault } : {}),
    ...keptFields('version', readKept(version)),
    createTime: createdAt,
    ...(loaded?.state === 'ready' ? { lastUseTime: loaded.lastUsedAt } : {}),
    state: isDeleting ? 'DELETING' : isFailed ? 'FAILED' : 'READY',
    ...(isFailed ? { errorMessage: loaded.reason?.message ?? 'It could not be loaded.' } : {}),
    ...labelsOrNothing(labels),
    etag: encodeEtag(etag),
  }
}

/** `etag` travels as base64 of bytes; gcloud ends with an error where it is anything else. */
const encodeEtag = (etag: string): string => Buffer.from(etag).toString('base64')

/** What `ifMatch` of the registry is to be, where a message says. */
export const decodeEtag = ({ etag }: JsonObject): string | undefined =>
  typeof etag === 'string' && etag !== '' ? Buffer.from(etag, 'base64').toString() : undefined

export const textOf = (message: JsonObject, name: string): string | undefined => {
  const value = message[name]
  return typeof value === 'string' ? value : undefined
}

/** A message that was parsed holds nothing but texts here. */
export const labelsOf = ({ labels }: JsonObject): Labels | undefined =>
  isObject(labels) ? (labels as Labels) : undefined

export const textOrNothing = (name: string, text: string): object =>
  text === '' ? {} : { [name]: text }

export const labelsOrNothing = (labels: Labels): object =>
  Object.keys(labels).length === 0 ? {} : { labels }
