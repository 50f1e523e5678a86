/** The answer to an infer request over HTTP: JSON, with the bytes of the tensors behind it that were asked for so. */
import type { InferBody } from './http-request.ts'
import { bytesOfTensor, jsonOfTensor } from './outputs.ts'
import type { InferResponse } from './service.ts'

export interface EncodedResponse {
  readonly body: Buffer
  /** Bytes of JSON, where other bytes follow. */
  readonly jsonLength: number | undefined
}

export function encodeResponse(
  { model, version, outputs }: InferResponse,
  { id, outputs: requested, isBinary }: Pick<InferBody, 'id' | 'outputs' | 'isBinary'>,
): EncodedResponse {
  const tensors: Uint8Array[] = []
  const described = outputs.map((output, index) => {
    const { name, datatype, shape } = output
    if (!(requested?.[index]?.isBinary ?? isBinary)) {
      return { name, datatype, shape, data: jsonOfTensor(output) }
    }
    const bytes = bytesOfTensor(output)
    tensors.push(bytes)
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } }
  })
  const json = Buffer.from(
    JSON.stringify({
      model_name: model,
      model_version: version,
      ...(id === '' ? {} : { id }),
      outputs: described,
    }),
  )
  return {
    body: tensors.length === 0 ? json : Buffer.concat([json, ...tensors]),
    jsonLength: tensors.length === 0 ? undefined : json.length,
  }
}
