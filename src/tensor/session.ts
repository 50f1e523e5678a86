/** The only file that touches onnxruntime-node. `run` computes on the calling thread: use it from a worker thread. */
import ort from 'onnxruntime-node'
import { VergerError } from '../core/errors.ts'

export interface Session {
  /** Runs the model on one uint8 tensor and gives each named output as a copy of its values. */
  run(
    image: { readonly data: Uint8Array; readonly dims: readonly number[] },
    outputs: readonly string[],
  ): Promise<Record<string, Float32Array>>
  close(): Promise<void>
}

/**
 * Loads an inference model whose input is `image`, uint8 `[n, height, width, 3]`.
 * One thread computes: parallelism comes from one session per worker. Throws `backbone_damaged`.
 */
export async function loadSession(model: string | Uint8Array): Promise<Session> {
  const session = await ort.InferenceSession.create(model as string, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Shapes differ from photo to photo: a plan of memory for each of them would be kept for ever.
    enableMemPattern: false,
    logSeverityLevel: 3,
  }).catch((error: unknown) => {
    throw new VergerError(
      'backbone_damaged',
      `Expected an ONNX model, could not load ${typeof model === 'string' ? model : `${model.length} bytes`}`,
      {
        hint: 'verger doctor compares the file with its published hash.',
        cause: error,
      },
    )
  })
  return {
    async run({ data, dims }, outputs) {
      const image = new ort.Tensor('uint8', data, dims)
      const results = await session.run({ image }, outputs)
      return Object.fromEntries(
        outputs.map((name) => [name, Float32Array.from(results[name]!.data as Float32Array)]),
      )
    },
    close: () => session.release(),
  }
}

/** Numbers that enter a computation, row-major. */
export type ComputationInput =
  | { readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly data: BigInt64Array; readonly dims: readonly number[] }

export interface Computation {
  /** Computes the named outputs. Inputs are read in place, so they must not change before the promise settles. */
  run(
    inputs: Readonly<Record<string, ComputationInput>>,
    outputs: readonly string[],
  ): Promise<Record<string, Float32Array>>
  close(): Promise<void>
}

/** Loads a graph of the graph builder for calculations over all of `threads` cores. */
export async function loadComputation(model: Uint8Array, threads: number): Promise<Computation> {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  })
  return {
    async run(inputs, outputs) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, dims }]) => [
          name,
          data instanceof Float32Array
            ? new ort.Tensor('float32', data, dims)
            : new ort.Tensor('int64', data, dims),
        ]),
      )
      const results = await session.run(feeds, outputs)
      return Object.fromEntries(outputs.map((name) => [name, results[name]!.data as Float32Array]))
    },
    close: () => session.release(),
  }
}

/** Version of ONNX Runtime that is installed; throws when its native library cannot be loaded. */
export function runtimeVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common
}
