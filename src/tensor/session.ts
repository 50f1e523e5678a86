/** The only file that touches onnxruntime-node. `run` computes on the calling thread: use it from a worker thread. */
import ort from 'onnxruntime-node'
import { refuseTelemetry } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'

export interface Session {
  /** Runs the model on one uint8 tensor and gives each named output as a copy of its values. */
  run(
    image: { readonly data: Uint8Array; readonly dims: readonly number[] },
    outputs: readonly string[],
  ): Promise<Record<string, Float32Array>>
  close(): Promise<void>
}

/** @param entries - of the session's configuration, by the parts of their names */
function createSession(
  model: string | Uint8Array,
  threads: number,
  entries: Readonly<Record<string, unknown>> = {},
): Promise<ort.InferenceSession> {
  refuseTelemetry()
  return ort.InferenceSession.create(model as string, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // A plan of memory is kept for ever: for each shape of photos, or for a training step at nearly twice its memory.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: entries },
  })
}

/**
 * Loads an inference model whose input is `image`, uint8 `[n, height, width, 3]`.
 * @param threads - that compute one run; parallelism comes from one session per worker, so one is enough where work waits
 * Throws `backbone_damaged`.
 */
export async function loadSession(model: string | Uint8Array, threads = 1): Promise<Session> {
  const session = await createSession(model, threads, {
    // Threads that spin while they wait for work would take a core from what comes meanwhile.
    intra_op: { allow_spinning: '0' },
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
  const session = await createSession(model, threads)
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

export type StepInput =
  | { readonly type: 'uint8'; readonly data: Uint8Array; readonly dims: readonly number[] }
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }

/** A tensor that a session reads and writes in place, as often as it runs. */
export type Placed = ort.Tensor

/** Places `data` where a session reads it from or writes it to. It is not copied. */
export const place = ({ type, data, dims }: StepInput): Placed =>
  type === 'uint8' ? new ort.Tensor(type, data, dims) : new ort.Tensor(type, data, dims)

/** A model whose results are written where its caller says. */
export interface PlacedSession {
  run(
    inputs: Readonly<Record<string, Placed>>,
    outputs: Readonly<Record<string, Placed>>,
  ): Promise<void>
  close(): Promise<void>
}

/** Loads a graph of the graph builder whose shapes never change, for `threads` cores. */
export async function loadPlacedSession(
  model: Uint8Array,
  threads: number,
): Promise<PlacedSession> {
  const session = await createSession(model, threads, {
    // Between two runs the cores belong to others; numbers below 1e-38 are slow to compute with and mean nothing here.
    force_spinning_stop: '1',
    set_denormal_as_zero: '1',
  })
  return {
    async run(inputs, outputs) {
      await session.run(inputs, outputs)
    },
    close: () => session.release(),
  }
}

/** Version of ONNX Runtime that is installed; throws when its native library cannot be loaded. */
export function runtimeVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common
}
