/** A request of the Open Inference Protocol, whatever it travelled in. */

export interface InputTensor {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  /** Its bytes as `tensors.ts` describes them, or its values, flat or nested as its shape says. */
  readonly contents: Uint8Array | readonly unknown[]
}

export interface RequestedOutput {
  readonly name: string
  /** Whether its values shall be bytes behind the header; only HTTP asks. */
  readonly isBinary: boolean
  /** So many of the best classes as text `score:index:label` in place of the values. */
  readonly classes?: number
}

export interface InferRequest {
  readonly model: string
  readonly version?: string
  readonly id: string
  readonly inputs: readonly InputTensor[]
  /** Undefined stands for all. */
  readonly outputs?: readonly RequestedOutput[]
}
