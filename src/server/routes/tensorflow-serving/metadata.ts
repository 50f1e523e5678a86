/** What TensorFlow Serving tells of a model beside its answers. */
import { describeSignatures, type TensorDescription } from '../../../bundles/signature.ts'
import type { ErrorDescription } from '../../../core/errors.ts'
import type { ServedDescription, VersionState } from '../../../serving/serving-host.ts'
import { numberOfVersion } from '../../version-numbers.ts'

/** The signatures that the exported SavedModel of the version has. */
export function describeModel(model: string, { version = '', labels }: ServedDescription) {
  const signatures = describeSignatures(labels.length).map(({ name, inputs, outputs }) => [
    name,
    {
      inputs: tensorInfos(inputs),
      outputs: tensorInfos(outputs),
      method_name: 'tensorflow/serving/predict',
    },
  ])
  return {
    model_spec: { name: model, signature_name: '', version: numberOfVersion(version) },
    metadata: { signature_def: { signature_def: Object.fromEntries(signatures) } },
  }
}

const tensorInfos = (tensors: readonly TensorDescription[]) =>
  Object.fromEntries(
    tensors.map(({ name, type, dims }) => [
      name,
      {
        dtype: type === 'string' ? 'DT_STRING' : 'DT_FLOAT',
        tensor_shape: {
          dim: dims.map((size) => ({ size: String(size), name: '' })),
          unknown_rank: false,
        },
        name: `${name}:0`,
      },
    ]),
  )

/** One that is not in memory is loaded when it is asked for. */
const STATES = { ready: 'AVAILABLE', loading: 'LOADING', failed: 'END', idle: 'START' } as const

export function describeVersion(
  version: string,
  { state, reason }: { state: VersionState['state'] | 'idle'; reason?: ErrorDescription },
) {
  const status =
    reason === undefined
      ? { error_code: 'OK', error_message: '' }
      : { error_code: 'FAILED_PRECONDITION', error_message: reason.message }
  return { version: numberOfVersion(version), state: STATES[state], status }
}
