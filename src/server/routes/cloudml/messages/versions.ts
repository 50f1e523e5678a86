/** Models, their versions, and what was asked for of the machines behind them. */
import {
  ACCELERATORS,
  choice,
  EMPTY,
  ETAG,
  field,
  flag,
  int32,
  int64,
  LABELS,
  list,
  listOf,
  type Message,
  ML,
  one,
  output,
  text,
  time,
} from './message.ts'

export const VERSION_MESSAGES: Readonly<Record<string, Message>> = {
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
  [`${ML}SetDefaultVersionRequest`]: EMPTY,
  [`${ML}ListModelsResponse`]: listOf('models', `${ML}Model`),
  [`${ML}ListVersionsResponse`]: listOf('versions', `${ML}Version`),
}
