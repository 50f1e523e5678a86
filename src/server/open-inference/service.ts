/** What the Open Inference Protocol asks of a server, whatever it travels in: HTTP and gRPC map their forms to this. */
import type { FastifyReply } from 'fastify'
import { toVergerError, VergerError } from '../../core/errors.ts'
import { readVersion } from '../../core/version.ts'
import { type Caller, maySee } from '../../registry/scopes.ts'
import type { ServedDescription, VersionState } from '../../serving/serving-host.ts'
import { answerAll } from '../answer-all.ts'
import type { RouteOptions } from '../route-options.ts'
import { versionOfNumber } from '../version-numbers.ts'
import type { InferRequest } from './infer-request.ts'
import { INPUTS, photosOfInputs } from './input-photos.ts'
import { checkOutputs, describeOutputs, type OutputTensor, tensorsOfAnswers } from './outputs.ts'

/** https://github.com/triton-inference-server/server/tree/main/docs/protocol */
const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'model_repository(unload_dependents)',
  'statistics',
] as const

/** What runs a model: bundles of Verger, which hold a backbone and a head. */
export const PLATFORM = 'verger_bundle'

export interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

export interface ModelMetadata {
  readonly name: string
  /** All that it has, the newest first. */
  readonly versions: readonly string[]
  readonly platform: string
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
}

export interface InferResponse {
  readonly model: string
  readonly version: string
  readonly outputs: readonly OutputTensor[]
}

export interface IndexEntry {
  readonly name: string
  readonly version: string
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE'
  readonly reason: string
}

export interface InferenceService {
  describeServer(): { name: string; version: string; extensions: readonly string[] }
  describeModel(model: string, version?: string): Promise<ModelMetadata>
  /** Undefined when it would answer, else the reason why not. Throws `model_unknown` or `version_unknown`. */
  findFault(model: string, version?: string): Promise<VergerError | undefined>
  infer(caller: FastifyReply | AbortSignal, request: InferRequest): Promise<InferResponse>
  listModels(caller: Caller): Promise<string[]>
  /** Every version that the caller may see, and whether it is in memory. */
  listVersions(caller: Caller, isReadyOnly: boolean): Promise<IndexEntry[]>
  /** Loads the version that answers, and tests it; a model without versions, or with one that fails, rejects. */
  load(model: string, parameters: Readonly<Record<string, unknown>>): Promise<void>
  /** Takes all versions out of memory. They stay in the registry, and are loaded again when they are asked for. */
  unload(model: string): Promise<void>
}

export function createInferenceService(options: RouteOptions): InferenceService {
  const { host, home } = options
  const { limits } = options.config
  const describe = (model: string, version?: string): Promise<ServedDescription> =>
    host.describe(model, version === undefined ? undefined : versionOfNumber(version))

  async function listModels(caller: Caller): Promise<string[]> {
    const opened = await home.find()
    const models = (await opened?.registry.listModels()) ?? []
    return models.map(({ name }) => name).filter((name) => maySee(caller, name))
  }

  return {
    describeServer: () => ({ name: 'verger', version: readVersion(), extensions: EXTENSIONS }),

    async describeModel(model, version) {
      const { labels } = await describe(model, version)
      const { registry } = await home.require(model)
      const versions = await registry.listVersions(model)
      return {
        name: model,
        versions: versions.map(({ name }) => name),
        platform: PLATFORM,
        inputs: INPUTS.map(({ name, datatypes: [datatype], shape }) => ({
          name,
          datatype: datatype ?? '',
          shape,
        })),
        outputs: describeOutputs(labels.length),
      }
    },

    async findFault(model, version) {
      try {
        await describe(model, version)
        return undefined
      } catch (error) {
        const known = toVergerError(error)
        if (known.code === 'model_unknown' || known.code === 'version_unknown') throw known
        return known
      }
    },

    async infer(caller, { model, version, inputs, outputs }) {
      const photos = photosOfInputs(inputs, limits)
      checkOutputs(outputs)
      const asked = version === undefined ? undefined : versionOfNumber(version)
      const answers = await answerAll(caller, photos, { model, version: asked }, options)
      const [{ answerer } = { answerer: { backbone: host.backbone } }] = answers
      return {
        model,
        version: 'version' in answerer ? answerer.version : '',
        outputs: tensorsOfAnswers(answers, outputs),
      }
    },

    listModels,

    async listVersions(caller, isReadyOnly) {
      const opened = await home.find()
      if (opened === undefined) return []
      const states = new Map(host.states().map((each) => [keyOf(each.model, each.version), each]))
      const models = await listModels(caller)
      const versions = await Promise.all(models.map((model) => opened.registry.listVersions(model)))
      return versions
        .flat()
        .map(({ model, name }) => entryOf(model, name, states.get(keyOf(model, name))))
        .filter(({ state }) => !isReadyOnly || state === 'READY')
    },

    async load(model, parameters) {
      const [given] = Object.keys(parameters)
      if (given !== undefined) {
        throw new VergerError(
          'request_invalid',
          `Expected no parameters: Verger loads what its registry has, received ${given}`,
          { hint: 'verger versions create MODEL/VERSION --from DIR brings a version.' },
        )
      }
      await describe(model)
    },

    async unload(model) {
      const { registry } = await home.require(model)
      await registry.getModel(model)
      const loaded = host.states().filter((each) => each.model === model)
      await Promise.all(loaded.map(({ version }) => host.unload(model, version)))
    },
  }
}

const keyOf = (model: string, version: string): string => `${model}/${version}`

function entryOf(model: string, version: string, known: VersionState | undefined): IndexEntry {
  const entry = { name: model, version }
  switch (known?.state) {
    case 'ready':
      return { ...entry, state: 'READY', reason: '' }
    case 'loading':
      return { ...entry, state: 'LOADING', reason: '' }
    case 'failed':
      return { ...entry, state: 'UNAVAILABLE', reason: known.reason?.message ?? 'failed' }
    default:
      return { ...entry, state: 'UNAVAILABLE', reason: 'unloaded; loaded when it is asked for' }
  }
}
