/**
 * The messages of CloudML v1 as data: what `parseMessage` takes, and what the discovery document describes.
 *
 * Names of messages and fields are those of the service's own discovery document (revision 20251213), since generated
 * clients know them by these names. A field that a caller cannot set is marked `isOutput`.
 */

const SCALARS = ['string', 'boolean', 'int32', 'int64', 'double', 'bytes', 'time', 'any'] as const
type Scalar = (typeof SCALARS)[number]

export interface Field {
  readonly about: string
  /** A scalar, the names of an enum, or another message. */
  readonly type: Scalar | readonly string[] | { readonly message: string }
  readonly shape?: 'list' | 'map'
  readonly isOutput?: true
}

export interface Message {
  readonly about: string
  readonly fields: Readonly<Record<string, Field>>
}

const field = (type: Field['type'], about: string): Field => ({ type, about })
const text = (about: string): Field => field('string', about)
const flag = (about: string): Field => field('boolean', about)
const int32 = (about: string): Field => field('int32', about)
const int64 = (about: string): Field => field('int64', about)
const bytes = (about: string): Field => field('bytes', about)
const time = (about: string): Field => field('time', about)
const choice = (names: readonly string[], about: string): Field => field(names, about)
const one = (message: string, about: string): Field => field({ message }, about)
const list = (each: Field): Field => ({ ...each, shape: 'list' })
const map = (each: Field): Field => ({ ...each, shape: 'map' })
const output = (each: Field): Field => ({ ...each, isOutput: true })

const ML = 'GoogleCloudMlV1__'
const ETAG = bytes(
  'Changes with every change of the resource; sent back in an update, it refuses the update where another came between.',
)
const LABELS = map(text('Words of the owner to find resources by.'))
const NEXT_PAGE_TOKEN = text('Sent as pageToken, gives the next page; absent on the last one.')

const ACCELERATORS = [
  'ACCELERATOR_TYPE_UNSPECIFIED',
  'NVIDIA_TESLA_K80',
  'NVIDIA_TESLA_P100',
  'NVIDIA_TESLA_V100',
  'NVIDIA_TESLA_P4',
  'NVIDIA_TESLA_T4',
  'NVIDIA_TESLA_A100',
  'TPU_V2',
  'TPU_V3',
  'TPU_V2_POD',
  'TPU_V3_POD',
  'TPU_V4_POD',
] as const

const listOf = (key: string, message: string): Message => ({
  about: `A page of ${key}; without any, an empty object.`,
  fields: {
    [key]: list(one(message, `The ${key} of this page.`)),
    nextPageToken: NEXT_PAGE_TOKEN,
  },
})

const EMPTY: Message = { about: 'Nothing.', fields: {} }

export const MESSAGES: Readonly<Record<string, Message>> = {
  [`${ML}Model`]: {
    about: 'A use case: a name that stays while the versions behind it change.',
    fields: {
      name: text('Bare in a request, projects/P/models/M in an answer.'),
      description: text('What the model is for.'),
      defaultVersion: one(`${ML}Version`, 'The version that answers when none is named.'),
      regions: list(text('Kept and given back; Verger runs where it was started.')),
      onlinePredictionLogging: flag('Kept and given back.'),
      onlinePredictionConsoleLogging: flag('Kept and given back.'),
      labels: LABELS,
      etag: ETAG,
    },
  },
  [`${ML}Version`]: {
    about: 'One classifier under a model; what it answers never changes.',
    fields: {
      name: text('Bare in a request, projects/P/models/M/versions/V in an answer.'),
      description: text('What is different about this version.'),
      isDefault: output(flag('Whether it answers when no version is named.')),
      deploymentUri: text('Folder that was read when the version was created: gs://BUCKET/PATH.'),
      createTime: output(time('When it was created.')),
      lastUseTime: output(time('When it answered last.')),
      runtimeVersion: text('Kept and given back; Verger reads SavedModels of TensorFlow 1 and 2.'),
      pythonVersion: text('Kept and given back; nothing of Python runs.'),
      framework: choice(
        ['FRAMEWORK_UNSPECIFIED', 'TENSORFLOW', 'SCIKIT_LEARN', 'XGBOOST'],
        'TENSORFLOW, or absent.',
      ),
      machineType: text('Kept and given back.'),
      acceleratorConfig: one(`${ML}AcceleratorConfig`, 'Kept and given back.'),
      autoScaling: one(`${ML}AutoScaling`, 'Kept and given back.'),
      manualScaling: one(`${ML}ManualScaling`, 'Kept and given back.'),
      packageUris: list(text('Refused: Verger runs no code of others.')),
      predictionClass: text('Refused: Verger runs no code of others.'),
      serviceAccount: text(
        'Kept and given back; files are read with the credentials of the server.',
      ),
      container: one(`${ML}ContainerSpec`, 'Refused: Verger runs no containers.'),
      routes: one(`${ML}RouteMap`, 'Refused: Verger runs no containers.'),
      requestLoggingConfig: one(`${ML}RequestLoggingConfig`, 'Kept and given back.'),
      explanationConfig: one(`${ML}ExplanationConfig`, 'Kept and given back.'),
      labels: LABELS,
      etag: ETAG,
      state: output(
        choice(
          ['UNKNOWN', 'READY', 'CREATING', 'FAILED', 'DELETING', 'UPDATING'],
          'READY once it can answer.',
        ),
      ),
      errorMessage: output(text('Why it failed.')),
      lastMigrationTime: output(time('Never set.')),
      lastMigrationModelId: output(text('Never set.')),
    },
  },
  [`${ML}AcceleratorConfig`]: {
    about: 'Hardware that was asked for.',
    fields: { count: int64('How many.'), type: choice(ACCELERATORS, 'Which.') },
  },
  [`${ML}AutoScaling`]: {
    about: 'Replicas that were asked for.',
    fields: {
      minNodes: int32('At least.'),
      maxNodes: int32('At most.'),
      metrics: list(one(`${ML}MetricSpec`, 'What replicas follow.')),
    },
  },
  [`${ML}ManualScaling`]: {
    about: 'Replicas that were asked for.',
    fields: { nodes: int32('How many.') },
  },
  [`${ML}MetricSpec`]: {
    about: 'A figure that replicas follow.',
    fields: {
      name: choice(['METRIC_NAME_UNSPECIFIED', 'CPU_USAGE', 'GPU_DUTY_CYCLE'], 'Which figure.'),
      target: int32('Percentage that is aimed at.'),
    },
  },
  [`${ML}ContainerSpec`]: {
    about: 'A container with a server of its own.',
    fields: {
      image: text('Its image.'),
      command: list(text('Its program.')),
      args: list(text('Arguments of the program.')),
      env: list(one(`${ML}EnvVar`, 'Variables of its environment.')),
      ports: list(one(`${ML}ContainerPort`, 'Ports it listens on.')),
    },
  },
  [`${ML}EnvVar`]: {
    about: 'A variable of an environment.',
    fields: { name: text('Its name.'), value: text('Its value.') },
  },
  [`${ML}ContainerPort`]: {
    about: 'A port of a container.',
    fields: { containerPort: int32('Its number.') },
  },
  [`${ML}RouteMap`]: {
    about: 'Paths of the server in a container.',
    fields: { predict: text('Where it predicts.'), health: text('Where it says that it is well.') },
  },
  [`${ML}RequestLoggingConfig`]: {
    about: 'Requests that should be kept.',
    fields: {
      samplingPercentage: field('double', 'Share of them.'),
      bigqueryTableName: text('Table they should go to.'),
    },
  },
  [`${ML}ExplanationConfig`]: {
    about: 'How answers should be explained.',
    fields: {
      integratedGradientsAttribution: one(`${ML}IntegratedGradientsAttribution`, 'One way.'),
      sampledShapleyAttribution: one(`${ML}SampledShapleyAttribution`, 'Another way.'),
      xraiAttribution: one(`${ML}XraiAttribution`, 'A third way.'),
    },
  },
  [`${ML}IntegratedGradientsAttribution`]: {
    about: 'Integrated gradients.',
    fields: { numIntegralSteps: int32('Steps.') },
  },
  [`${ML}SampledShapleyAttribution`]: {
    about: 'Sampled Shapley values.',
    fields: { numPaths: int32('Paths.') },
  },
  [`${ML}XraiAttribution`]: {
    about: 'XRAI.',
    fields: { numIntegralSteps: int32('Steps.') },
  },
  [`${ML}Job`]: {
    about: 'A training or batch prediction. This server has none yet.',
    fields: {
      jobId: text('Its name.'),
      trainingInput: field('any', 'What to train.'),
      predictionInput: field('any', 'What to predict.'),
      labels: LABELS,
      etag: ETAG,
      createTime: output(time('When it was submitted.')),
      startTime: output(time('When it began.')),
      endTime: output(time('When it ended.')),
      state: output(
        choice(
          [
            'STATE_UNSPECIFIED',
            'QUEUED',
            'PREPARING',
            'RUNNING',
            'SUCCEEDED',
            'FAILED',
            'CANCELLING',
            'CANCELLED',
          ],
          'How far it is.',
        ),
      ),
      errorMessage: output(text('Why it failed.')),
    },
  },
  [`${ML}CancelJobRequest`]: EMPTY,
  [`${ML}SetDefaultVersionRequest`]: EMPTY,
  [`${ML}PredictRequest`]: {
    about: 'The body of a prediction: {"instances": […], "signature_name": "…"}, sent as it is.',
    fields: { httpBody: one('GoogleApi__HttpBody', 'The same body, wrapped.') },
  },
  [`${ML}ExplainRequest`]: {
    about: 'The body of an explanation.',
    fields: { httpBody: one('GoogleApi__HttpBody', 'The same body, wrapped.') },
  },
  [`${ML}GetConfigResponse`]: {
    about: 'Who the service is to other services. Verger has no account of its own.',
    fields: {
      serviceAccount: text('Never set.'),
      serviceAccountProject: int64('Never set.'),
      config: one(`${ML}Config`, 'Never set.'),
    },
  },
  [`${ML}Config`]: {
    about: 'Settings of a project.',
    fields: { tpuServiceAccount: text('Never set.') },
  },
  [`${ML}Location`]: {
    about: 'A place that predictions come from.',
    fields: {
      name: text('projects/P/locations/L.'),
      capabilities: list(one(`${ML}Capability`, 'What can be done there.')),
    },
  },
  [`${ML}Capability`]: {
    about: 'Something that can be done in a place.',
    fields: {
      type: choice(
        ['TYPE_UNSPECIFIED', 'TRAINING', 'BATCH_PREDICTION', 'ONLINE_PREDICTION'],
        'What.',
      ),
      availableAccelerators: list(choice(ACCELERATORS, 'With what.')),
    },
  },
  [`${ML}OperationMetadata`]: {
    about: 'What an operation does to what.',
    fields: {
      createTime: time('When it was asked for.'),
      startTime: time('When it began.'),
      endTime: time('When it ended.'),
      isCancellationRequested: flag('Whether somebody asked for its end.'),
      operationType: choice(
        [
          'OPERATION_TYPE_UNSPECIFIED',
          'CREATE_VERSION',
          'DELETE_VERSION',
          'DELETE_MODEL',
          'UPDATE_MODEL',
          'UPDATE_VERSION',
          'UPDATE_CONFIG',
        ],
        'What it does.',
      ),
      modelName: text('projects/P/models/M.'),
      version: one(`${ML}Version`, 'The version that was asked for.'),
      labels: LABELS,
      projectNumber: int64('The project, where it was named by its number.'),
    },
  },
  [`${ML}ListModelsResponse`]: listOf('models', `${ML}Model`),
  [`${ML}ListVersionsResponse`]: listOf('versions', `${ML}Version`),
  [`${ML}ListJobsResponse`]: listOf('jobs', `${ML}Job`),
  [`${ML}ListLocationsResponse`]: listOf('locations', `${ML}Location`),
  GoogleLongrunning__ListOperationsResponse: listOf('operations', 'GoogleLongrunning__Operation'),
  GoogleLongrunning__Operation: {
    about: 'Something that takes time; done once it has a response or an error.',
    fields: {
      name: text('projects/P/operations/ID.'),
      metadata: map(field('any', `With @type, as ${ML}OperationMetadata.`)),
      done: flag('Whether it has ended.'),
      error: one('GoogleRpc__Status', 'Why it failed.'),
      response: map(field('any', 'With @type, what came of it.')),
    },
  },
  GoogleRpc__Status: {
    about: 'An error.',
    fields: {
      code: int32('Its number in google.rpc.Code.'),
      message: text('What is wrong.'),
      details: list(map(field('any', 'With @type, more about it.'))),
    },
  },
  GoogleProtobuf__Empty: EMPTY,
  GoogleApi__HttpBody: {
    about: 'Any body.',
    fields: {
      contentType: text('Its content type.'),
      data: bytes('Its bytes.'),
      extensions: list(map(field('any', 'Never set.'))),
    },
  },
  GoogleIamV1__Policy: {
    about: 'Who may do what. Verger decides that by the scopes of its tokens.',
    fields: {
      version: int32('Form of the policy.'),
      bindings: list(one('GoogleIamV1__Binding', 'Roles and who has them.')),
      etag: ETAG,
    },
  },
  GoogleIamV1__Binding: {
    about: 'A role and who has it.',
    fields: { role: text('The role.'), members: list(text('Who has it.')) },
  },
  GoogleIamV1__SetIamPolicyRequest: {
    about: 'A policy that should hold from now on.',
    fields: {
      policy: one('GoogleIamV1__Policy', 'The policy.'),
      updateMask: text('Fields of it that change.'),
    },
  },
  GoogleIamV1__TestIamPermissionsRequest: {
    about: 'Permissions that the caller asks about.',
    fields: { permissions: list(text('Such as ml.models.get.')) },
  },
  GoogleIamV1__TestIamPermissionsResponse: {
    about: 'Those of them that the caller has.',
    fields: { permissions: list(text('Such as ml.models.get.')) },
  },
}

/** Message of a table that names only messages it has. */
export function messageOf(name: string): Message {
  const message = MESSAGES[name]
  if (message === undefined) throw new Error(`No message ${name}`)
  return message
}

/** `deploymentUri` → `deployment_uri`, as errors and old clients name a field. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** `deployment_uri` → `deploymentUri`. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
