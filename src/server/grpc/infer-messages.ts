/** Infer requests and responses of the protocol's messages. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { VergerError } from '../../core/errors.ts'
import type { InferRequest, InputTensor, RequestedOutput } from '../open-inference/infer-request.ts'
import { bytesOfTensor, type OutputTensor } from '../open-inference/outputs.ts'
import type { InferResponse } from '../open-inference/service.ts'
import type {
  InferParameter,
  InferTensorContents,
  ModelInferRequest,
  ModelInferResponseSchema,
} from './generated/inference_pb.ts'

type Parameters = Readonly<Record<string, InferParameter>>

/** Throws `request_invalid` with all faults. */
export function readInferRequest(message: ModelInferRequest): InferRequest {
  const faults: string[] = []
  const { inputs, outputs, rawInputContents: raw } = message
  if (raw.length > 0 && raw.length !== inputs.length) {
    faults.push(
      `raw_input_contents must be ${inputs.length}, one for each input, not ${raw.length}`,
    )
  }
  const tensors = inputs.map((input, index): InputTensor => {
    const { name, datatype, shape, parameters, contents } = input
    const place = `inputs[${index}]`
    checkMemory(parameters, place, faults)
    if (raw.length > 0 && contents !== undefined && countValues(contents) > 0) {
      faults.push(`${place} must have no contents beside raw_input_contents`)
    }
    const values = contents === undefined ? [] : valuesOf(contents, datatype)
    return { name, datatype, shape: shape.map(Number), contents: raw[index] ?? values }
  })
  const requested = outputs.map(({ name, parameters }, index): RequestedOutput => {
    const place = `outputs[${index}]`
    checkMemory(parameters, place, faults)
    const classes = classesOf(parameters, place, faults)
    return { name, isBinary: false, ...(classes === undefined ? {} : { classes }) }
  })
  if (faults.length > 0) {
    throw new VergerError('request_invalid', `Expected an infer request: ${faults.join('; ')}`)
  }
  return {
    model: message.modelName,
    id: message.id,
    inputs: tensors,
    ...(message.modelVersion === '' ? {} : { version: message.modelVersion }),
    ...(requested.length === 0 ? {} : { outputs: requested }),
  }
}

function checkMemory(parameters: Parameters, place: string, faults: string[]): void {
  if (parameters['shared_memory_region'] === undefined) return
  faults.push(`${place} must travel in messages: Verger shares no memory with its clients`)
}

function classesOf(parameters: Parameters, place: string, faults: string[]): number | undefined {
  const choice = parameters['classification']?.parameterChoice
  if (choice === undefined) return undefined
  const { case: kind, value } = choice
  const classes = kind === 'int64Param' || kind === 'uint64Param' ? Number(value) : Number.NaN
  if (Number.isSafeInteger(classes) && classes > 0) return classes
  faults.push(
    `${place}.parameters.classification must be a whole number from 1 on, received ${String(value)}`,
  )
  return undefined
}

/** The field that the datatype has; values in another one are as good as none. */
function valuesOf(contents: InferTensorContents, datatype: string): readonly unknown[] {
  switch (datatype) {
    case 'BYTES':
      return contents.bytesContents
    case 'UINT8':
      return contents.uintContents
    case 'INT32':
      return contents.intContents
    case 'INT64':
      return contents.int64Contents
    case 'FP32':
      return contents.fp32Contents
    case 'FP64':
      return contents.fp64Contents
    default:
      return []
  }
}

const countValues = (contents: InferTensorContents): number =>
  Object.values(contents).reduce(
    (count: number, values: unknown) => count + (Array.isArray(values) ? values.length : 0),
    0,
  )

/** Outputs as bytes where the inputs came so, else as values. */
export function writeInferResponse(
  { model, version, outputs }: InferResponse,
  { id, rawInputContents }: Pick<ModelInferRequest, 'id' | 'rawInputContents'>,
): MessageInitShape<typeof ModelInferResponseSchema> {
  const isRaw = rawInputContents.length > 0
  return {
    modelName: model,
    modelVersion: version,
    id,
    outputs: outputs.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape.map(BigInt),
      ...(isRaw ? {} : { contents: contentsOf(output) }),
    })),
    rawOutputContents: isRaw ? outputs.map(bytesOfTensor) : [],
  }
}

const contentsOf = ({ values }: OutputTensor) =>
  values instanceof Float32Array
    ? { fp32Contents: [...values] }
    : { bytesContents: values.map((text) => Buffer.from(text)) }
