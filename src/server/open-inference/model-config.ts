/** What Triton's clients ask as the configuration of a model. */

import type { ModelMetadata, TensorMetadata } from './service.ts'
import { PLATFORM } from './service.ts'

/** Sizes are those of whole tensors: how many photos come in one is up to the client. */
export const describeConfig = ({ name, inputs, outputs }: ModelMetadata) => ({
  name,
  platform: PLATFORM,
  backend: 'verger',
  max_batch_size: 0,
  // A request has one of them.
  input: inputs.map((input) => ({ ...configOf(input), optional: true })),
  output: outputs.map(configOf),
})

const configOf = ({ name, datatype, shape }: TensorMetadata) => ({
  name,
  data_type: datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`,
  dims: shape,
})
