/** Operations of the registry → google.longrunning.Operation. */
import { ERROR_CATALOGUE, type ErrorCode, VergerError } from '../../../core/errors.ts'
import type { Operation, OperationKind } from '../../../registry/operation.ts'
import { fieldError, toCloudError } from './cloud-error.ts'
import { modelName, operationName, versionName } from './names.ts'

const TYPE = 'type.googleapis.com/'

const OPERATION_TYPES: Readonly<Record<OperationKind, string>> = {
  create_version: 'CREATE_VERSION',
  delete_version: 'DELETE_VERSION',
  delete_model: 'DELETE_MODEL',
  update_model: 'UPDATE_MODEL',
  update_version: 'UPDATE_VERSION',
}

/**
 * Writes an operation.
 *
 * @param subject - the version, or the model, that it made or changed; undefined once it is gone
 */
export function toCloudOperation(
  project: string,
  operation: Operation,
  subject: object | undefined,
): object {
  const { id, kind, model, version, state } = operation
  const named = version === undefined ? {} : { name: versionName(project, model, version) }
  const isOfVersion = kind === 'create_version' || kind === 'update_version'
  return {
    name: operationName(project, id),
    metadata: {
      '@type': `${TYPE}google.cloud.ml.v1.OperationMetadata`,
      createTime: operation.createdAt,
      ...(operation.startedAt === undefined ? {} : { startTime: operation.startedAt }),
      ...(operation.endedAt === undefined ? {} : { endTime: operation.endedAt }),
      ...(operation.isCancelRequested ? { isCancellationRequested: true } : {}),
      operationType: OPERATION_TYPES[kind],
      modelName: modelName(project, model),
      ...(version === undefined ? {} : { version: isOfVersion ? (subject ?? named) : named }),
      // A project that is named by its number says it; other numbers nobody gave out.
      ...(/^\d{1,19}$/.test(project) ? { projectNumber: project } : {}),
    },
    ...(state === 'running' ? {} : { done: true, ...resultOf(operation, subject ?? named) }),
  }
}

function resultOf(operation: Operation, subject: object): object {
  const { kind, state } = operation
  if (state === 'cancelled') return { error: { code: 1, message: 'The operation was cancelled.' } }
  if (state === 'failed') return { error: describeFailure(operation) }
  if (kind.startsWith('delete')) {
    return { response: { '@type': `${TYPE}google.protobuf.Empty` } }
  }
  const type = kind === 'update_model' ? 'Model' : 'Version'
  return { response: { '@type': `${TYPE}google.cloud.ml.v1.${type}`, ...subject } }
}

/** Codes that say that the files were read and are no model that can answer. */
const BAD_MODEL = /^(?:model_(?:invalid|unsupported)|bundle_|label_|backbone_)/

/** Codes that say that no model lies where `deploymentUri` points. */
const BAD_PLACE = /^(?:source_|bucket_|object_|staged_)/

/** Why an operation failed, in the words that clients of the service look for. */
export function describeFailure({ kind, error }: Operation): { code: number; message: string } {
  const code = (error?.code ?? 'internal') as ErrorCode
  const message = error?.message ?? 'It failed without a reason.'
  const entry = Object.hasOwn(ERROR_CATALOGUE, code) ? ERROR_CATALOGUE[code] : undefined
  const told = BAD_PLACE.test(code)
    ? fieldError('version.deployment_uri', message, 'FAILED_PRECONDITION')
    : new VergerError(code, message)
  const known = toCloudError(told, entry?.status ?? 500)
  if (kind !== 'create_version') return { code: known.code, message: known.message }
  return BAD_MODEL.test(code)
    ? {
        code: known.code,
        message: `Create Version failed. Bad model detected with error: "Failed to load model: ${message} (Error code: 0)"`,
      }
    : { code: known.code, message: `Create Version failed. ${known.message}` }
}
