/** The methods of `inference.GRPCInferenceService`. */
import { describeConfig } from '../open-inference/model-config.ts'
import type {
  IndexEntry,
  InferenceService,
  ModelMetadata,
  TensorMetadata,
} from '../open-inference/service.ts'
import type { InferenceStatistics } from '../open-inference/statistics.ts'
import type { CallContext } from './answer-calls.ts'
import type { Answers } from './define-service.ts'
import type { GRPCInferenceService, ModelInferRequest } from './generated/inference_pb.ts'
import { readInferRequest, writeInferResponse } from './infer-messages.ts'

export interface InferenceServiceOptions {
  readonly service: InferenceService
  readonly statistics: InferenceStatistics
  isReady(): boolean
}

export const createInferenceAnswers = ({
  service,
  statistics,
  isReady,
}: InferenceServiceOptions): Answers<(typeof GRPCInferenceService)['method'], CallContext> => ({
  serverLive: () => ({ live: true }),
  serverReady: () => ({ ready: isReady() }),
  async modelReady({ name, version }) {
    return { ready: (await service.findFault(name, named(version))) === undefined }
  },
  serverMetadata: () => {
    const { name, version, extensions } = service.describeServer()
    return { name, version, extensions: [...extensions] }
  },
  async modelMetadata({ name, version }) {
    return toMetadata(await service.describeModel(name, named(version)))
  },
  modelInfer: (request, context) => infer(service, request, context),
  async modelConfig({ name, version }) {
    const { input, output, ...config } = describeConfig(
      await service.describeModel(name, named(version)),
    )
    return {
      config: {
        name: config.name,
        platform: config.platform,
        backend: config.backend,
        maxBatchSize: config.max_batch_size,
        input: input.map((each) => ({ ...toConfig(each), optional: true })),
        output: output.map(toConfig),
      },
    }
  },
  async modelStatistics({ name, version }, { caller }) {
    const all = await statistics.list(caller, named(name), named(version))
    return {
      modelStats: all.map((each) => ({
        name: each.name,
        version: each.version,
        lastInference: BigInt(each.last_inference),
        inferenceCount: BigInt(each.inference_count),
        executionCount: BigInt(each.execution_count),
        inferenceStats: {
          success: {
            count: BigInt(each.inference_stats.success.count),
            ns: BigInt(each.inference_stats.success.ns),
          },
        },
        memoryUsage: each.memory_usage.map(({ type, id, byte_size }) => ({
          type,
          id: BigInt(id),
          byteSize: BigInt(byte_size),
        })),
      })),
    }
  },
  async repositoryIndex({ ready }, { caller }) {
    const models: IndexEntry[] = await service.listVersions(caller, ready)
    return { models }
  },
  async repositoryModelLoad({ modelName, parameters }) {
    await service.load(modelName, parameters)
    return {}
  },
  async repositoryModelUnload({ modelName }) {
    await service.unload(modelName)
    return {}
  },
})

/** One inference, alone or in a stream. */
export async function infer(
  service: InferenceService,
  request: ModelInferRequest,
  { signal }: CallContext,
) {
  return writeInferResponse(await service.infer(signal, readInferRequest(request)), request)
}

/** An empty text stands for none. */
const named = (text: string): string | undefined => (text === '' ? undefined : text)

const toMetadata = ({ name, versions, platform, inputs, outputs }: ModelMetadata) => ({
  name,
  versions: [...versions],
  platform,
  inputs: inputs.map(toTensor),
  outputs: outputs.map(toTensor),
})

const toTensor = ({ name, datatype, shape }: TensorMetadata) => ({
  name,
  datatype,
  shape: shape.map(BigInt),
})

/** Numbers of DataType in Triton's model_config.proto, for the types that inputs and outputs are described by. */
const DATA_TYPES: Readonly<Record<string, number>> = {
  TYPE_UINT8: 2,
  TYPE_FP32: 11,
  TYPE_STRING: 13,
}

interface TensorConfig {
  readonly name: string
  readonly data_type: string
  readonly dims: readonly number[]
}

const toConfig = ({ name, data_type, dims }: TensorConfig) => ({
  name,
  dataType: DATA_TYPES[data_type] ?? 0,
  dims: dims.map(BigInt),
})
