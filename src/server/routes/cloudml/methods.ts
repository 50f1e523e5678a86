/**
 * The methods of CloudML v1 as data: the routes are registered from this table and the discovery document is written from
 * it, so that a client built from the document finds every route.
 */
import type { Scope } from '../../../registry/scopes.ts'

interface QueryParameter {
  readonly about: string
  readonly type: 'string' | 'integer'
  readonly format?: string
}

export interface CloudMethod {
  /** Without the leading `ml.` */
  readonly id: MethodId
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Collections of the resource that the path names: `['projects', 'models']` is `projects/P/models/M`. */
  readonly of: readonly string[]
  /** Collection below it that is listed or added to. */
  readonly collection?: string
  /** What is done to it: the word behind the colon. */
  readonly action?: string
  /** What the discovery document calls the name in the path. */
  readonly parameter: 'name' | 'parent' | 'resource'
  /** The method also takes everything below the resource as its name (`^projects/.*$`). */
  readonly isWide?: true
  readonly query?: Readonly<Record<string, QueryParameter>>
  readonly request?: string
  readonly response: string
  readonly scope: Scope
  readonly about: string
}

const ML = 'GoogleCloudMlV1__'
const OPERATION = 'GoogleLongrunning__Operation'

const PAGES = {
  pageSize: {
    about: 'Most resources in the answer, at most 100.',
    type: 'integer',
    format: 'int32',
  },
  pageToken: { about: 'The nextPageToken of the page before.', type: 'string' },
} as const
const FILTERED_PAGES = {
  ...PAGES,
  filter: { about: 'Comparisons such as name:fruits* AND labels.owner=ana.', type: 'string' },
} as const
const UPDATE_MASK = {
  updateMask: {
    about: 'Fields that change, with commas between them.',
    type: 'string',
    format: 'google-fieldmask',
  },
} as const

const PROJECT = ['projects'] as const
const MODEL = ['projects', 'models'] as const
const VERSION = ['projects', 'models', 'versions'] as const
const JOB = ['projects', 'jobs'] as const
const OPERATION_OF_PROJECT = ['projects', 'operations'] as const
const LOCATION = ['projects', 'locations'] as const
const OPERATION_OF_LOCATION = ['projects', 'locations', 'operations'] as const

/** Who may do what: tokens say so, whatever it is about. */
const GET_POLICY = {
  verb: 'GET',
  action: 'getIamPolicy',
  parameter: 'resource',
  scope: 'read',
  query: {
    'options.requestedPolicyVersion': { about: 'Is not read.', type: 'integer', format: 'int32' },
  },
  response: 'GoogleIamV1__Policy',
  about: 'A policy without bindings: tokens decide who may do what.',
} as const
const SET_POLICY = {
  verb: 'POST',
  action: 'setIamPolicy',
  parameter: 'resource',
  scope: 'manage',
  request: 'GoogleIamV1__SetIamPolicyRequest',
  response: 'GoogleIamV1__Policy',
  about: 'Is not offered: tokens decide who may do what.',
} as const
const TEST_PERMISSIONS = {
  verb: 'POST',
  action: 'testIamPermissions',
  parameter: 'resource',
  scope: 'read',
  request: 'GoogleIamV1__TestIamPermissionsRequest',
  response: 'GoogleIamV1__TestIamPermissionsResponse',
  about: 'Which of some permissions the token of the caller allows.',
} as const

const METHODS = {
  'projects.getConfig': {
    verb: 'GET',
    of: PROJECT,
    action: 'getConfig',
    parameter: 'name',
    scope: 'read',
    response: `${ML}GetConfigResponse`,
    about: 'The service account of the project; Verger has none.',
  },
  'projects.predict': {
    verb: 'POST',
    of: PROJECT,
    action: 'predict',
    parameter: 'name',
    isWide: true,
    scope: 'predict',
    request: `${ML}PredictRequest`,
    response: 'GoogleApi__HttpBody',
    about: 'Names what is on photos: by a version of a model, or by the default of a model.',
  },
  'projects.explain': {
    verb: 'POST',
    of: PROJECT,
    action: 'explain',
    parameter: 'name',
    isWide: true,
    scope: 'predict',
    request: `${ML}ExplainRequest`,
    response: 'GoogleApi__HttpBody',
    about: 'Is not offered.',
  },
  'projects.models.create': {
    verb: 'POST',
    of: PROJECT,
    collection: 'models',
    parameter: 'parent',
    scope: 'manage',
    request: `${ML}Model`,
    response: `${ML}Model`,
    about: 'Declares a model, which gets its versions later.',
  },
  'projects.models.list': {
    verb: 'GET',
    of: PROJECT,
    collection: 'models',
    parameter: 'parent',
    scope: 'read',
    query: FILTERED_PAGES,
    response: `${ML}ListModelsResponse`,
    about: 'The models in the order of their names.',
  },
  'projects.models.get': {
    verb: 'GET',
    of: MODEL,
    parameter: 'name',
    scope: 'read',
    response: `${ML}Model`,
    about: 'A model with its default version.',
  },
  'projects.models.patch': {
    verb: 'PATCH',
    of: MODEL,
    parameter: 'name',
    scope: 'manage',
    query: UPDATE_MASK,
    request: `${ML}Model`,
    response: OPERATION,
    about:
      'Changes what the mask names: description, labels, regions, logging, default_version.name.',
  },
  'projects.models.delete': {
    verb: 'DELETE',
    of: MODEL,
    parameter: 'name',
    scope: 'manage',
    response: OPERATION,
    about: 'Deletes a model that has no versions.',
  },
  'projects.models.getIamPolicy': { ...GET_POLICY, of: MODEL },
  'projects.models.setIamPolicy': { ...SET_POLICY, of: MODEL },
  'projects.models.testIamPermissions': { ...TEST_PERMISSIONS, of: MODEL },
  'projects.models.versions.create': {
    verb: 'POST',
    of: MODEL,
    collection: 'versions',
    parameter: 'parent',
    scope: 'manage',
    request: `${ML}Version`,
    response: OPERATION,
    about:
      'Reads a SavedModel, an ONNX file or a bundle from deploymentUri and makes a version of it.',
  },
  'projects.models.versions.list': {
    verb: 'GET',
    of: MODEL,
    collection: 'versions',
    parameter: 'parent',
    scope: 'read',
    query: FILTERED_PAGES,
    response: `${ML}ListVersionsResponse`,
    about: 'The versions in the order of their names, with those that are being made or failed.',
  },
  'projects.models.versions.get': {
    verb: 'GET',
    of: VERSION,
    parameter: 'name',
    scope: 'read',
    response: `${ML}Version`,
    about: 'A version and its state.',
  },
  'projects.models.versions.patch': {
    verb: 'PATCH',
    of: VERSION,
    parameter: 'name',
    scope: 'manage',
    query: UPDATE_MASK,
    request: `${ML}Version`,
    response: OPERATION,
    about: 'Changes what the mask names: description, labels, scaling and logging.',
  },
  'projects.models.versions.delete': {
    verb: 'DELETE',
    of: VERSION,
    parameter: 'name',
    scope: 'manage',
    response: OPERATION,
    about: 'Deletes a version that is not the default, or the last one.',
  },
  'projects.models.versions.setDefault': {
    verb: 'POST',
    of: VERSION,
    action: 'setDefault',
    parameter: 'name',
    scope: 'manage',
    request: `${ML}SetDefaultVersionRequest`,
    response: `${ML}Version`,
    about:
      'Lets a version answer when none is named, once it is loaded and has passed its self-test.',
  },
  'projects.operations.list': {
    verb: 'GET',
    of: PROJECT,
    collection: 'operations',
    parameter: 'name',
    scope: 'read',
    query: FILTERED_PAGES,
    response: 'GoogleLongrunning__ListOperationsResponse',
    about: 'The operations, the newest first.',
  },
  'projects.operations.get': {
    verb: 'GET',
    of: OPERATION_OF_PROJECT,
    parameter: 'name',
    scope: 'read',
    response: OPERATION,
    about: 'An operation: under way, or with its response or error.',
  },
  'projects.operations.cancel': {
    verb: 'POST',
    of: OPERATION_OF_PROJECT,
    action: 'cancel',
    parameter: 'name',
    scope: 'manage',
    response: 'GoogleProtobuf__Empty',
    about: 'Asks an operation to end; it stays listed with an error of code 1.',
  },
  'projects.locations.list': {
    verb: 'GET',
    of: PROJECT,
    collection: 'locations',
    parameter: 'parent',
    scope: 'read',
    query: PAGES,
    response: `${ML}ListLocationsResponse`,
    about: 'The regions that models were declared for.',
  },
  'projects.locations.get': {
    verb: 'GET',
    of: LOCATION,
    parameter: 'name',
    scope: 'read',
    response: `${ML}Location`,
    about: 'What can be done in a region.',
  },
  'projects.locations.operations.get': {
    verb: 'GET',
    of: OPERATION_OF_LOCATION,
    parameter: 'name',
    scope: 'read',
    response: OPERATION,
    about: 'An operation by its name in a region.',
  },
  'projects.locations.operations.cancel': {
    verb: 'POST',
    of: OPERATION_OF_LOCATION,
    action: 'cancel',
    parameter: 'name',
    scope: 'manage',
    response: 'GoogleProtobuf__Empty',
    about: 'Asks an operation to end.',
  },
  'projects.jobs.create': {
    verb: 'POST',
    of: PROJECT,
    collection: 'jobs',
    parameter: 'parent',
    scope: 'manage',
    request: `${ML}Job`,
    response: `${ML}Job`,
    about: 'Is not offered: train with verger train.',
  },
  'projects.jobs.list': {
    verb: 'GET',
    of: PROJECT,
    collection: 'jobs',
    parameter: 'parent',
    scope: 'read',
    query: FILTERED_PAGES,
    response: `${ML}ListJobsResponse`,
    about: 'The operations in the form of jobs, the newest first.',
  },
  'projects.jobs.get': {
    verb: 'GET',
    of: JOB,
    parameter: 'name',
    scope: 'read',
    response: `${ML}Job`,
    about: 'An operation in the form of a job.',
  },
  'projects.jobs.cancel': {
    verb: 'POST',
    of: JOB,
    action: 'cancel',
    parameter: 'name',
    scope: 'manage',
    request: `${ML}CancelJobRequest`,
    response: 'GoogleProtobuf__Empty',
    about: 'Asks an operation to end.',
  },
  'projects.jobs.patch': {
    verb: 'PATCH',
    of: JOB,
    parameter: 'name',
    scope: 'manage',
    query: UPDATE_MASK,
    request: `${ML}Job`,
    response: `${ML}Job`,
    about: 'Is not offered: an operation keeps no labels.',
  },
  'projects.jobs.getIamPolicy': { ...GET_POLICY, of: JOB },
  'projects.jobs.setIamPolicy': { ...SET_POLICY, of: JOB },
  'projects.jobs.testIamPermissions': { ...TEST_PERMISSIONS, of: JOB },
} as const satisfies Record<string, Omit<CloudMethod, 'id'>>

export type MethodId = keyof typeof METHODS

export const CLOUD_METHODS: readonly CloudMethod[] = Object.entries(METHODS).map(
  ([id, method]) => ({ id: id as MethodId, ...method }),
)
