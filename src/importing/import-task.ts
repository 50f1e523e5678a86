/** What the process that parses a foreign file is asked, and what it leaves behind. */
import type { ErrorMessage } from '../core/errors.ts'
import type { Network, NetworkInput } from '../tensor/network.ts'

/** How levels enter a network, by the names that the field uses. */
export const SCALINGS = {
  '-1..1': { mean: 127.5, divisor: 127.5 },
  '0..1': { mean: 0, divisor: 255 },
  '0..255': { mean: 0, divisor: 1 },
  imagenet: { mean: [123.675, 116.28, 103.53], divisor: [58.395, 57.12, 57.375] },
} as const satisfies Record<string, Pick<NetworkInput, 'mean' | 'divisor'>>
export type ScalingName = keyof typeof SCALINGS
export const SCALING_NAMES = Object.keys(SCALINGS) as readonly ScalingName[]

export interface ImportTask {
  /** File or folder. */
  readonly path: string
  /** Id of the architecture whose weights the file holds; a whole classifier where it is left out. */
  readonly architecture?: string | undefined
  /** How levels enter the network, where the file does not tell. */
  readonly scaling?: ScalingName | undefined
  /** Empty folder for what is made. */
  readonly folder: string
  /** Bytes of memory, and milliseconds of computing, at which the process ends itself. */
  readonly memoryBytes: number
  readonly cpuMs: number
}

/** Names of the files that a task leaves in its folder. */
export const IMPORTED_MODEL = 'model.onnx'
export const IMPORTED_RESULT = 'imported.json'

/** `imported.json`. */
export interface Imported {
  readonly network: Network
  /** Names of the classes where the file tells them. */
  readonly labels?: readonly string[]
  /** The format that was read, in words. */
  readonly readAs: string
  readonly notes: readonly string[]
  readonly model: { readonly sha256: string; readonly sizeBytes: number }
}

/** What the process says at its end; one that says nothing was ended. */
export type ImportReply = { readonly isDone: true } | { readonly error: ErrorMessage }
