/** A training step as data: one ONNX graph from photos to new weights, and what flows around it. */
import type { Observation } from '../quantize.ts'
import type { FloatTensor } from '../tensor.ts'

export type Optimiser =
  /** Loshchilov & Hutter, https://arxiv.org/abs/1711.05101. */
  | {
      readonly kind: 'adamw'
      readonly beta1: number
      readonly beta2: number
      readonly epsilon: number
    }
  | { readonly kind: 'sgd'; readonly momentum: number }

/** Of one convolution, over photos and positions: `[filters]`. */
export interface ConvStatistics {
  readonly mean: Float32Array
  readonly variance: Float32Array
}

export interface TrainingOptions {
  /** The first block or layer that trains, e.g. `block11` or `top`; everything where it is left out. */
  readonly trainFrom?: string
  /** What the layers before it gave for some photos: then they compute in 8 bit. */
  readonly observed?: Observation
  readonly batchSize: number
  readonly optimiser: Optimiser
  /** Each step, kernels shrink by this share of the learning rate; biases and scales do not. */
  readonly weightDecay: number
  /**
   * Share of the learning rate by which the first layer that trains moves; shares rise from there to the last layer, each
   * by the same factor. All layers move alike where it is left out.
   */
  readonly firstRateShare?: number
  /**
   * Takes the gradient not at the weights but `radius` uphill of them, over all that train together, so that they settle
   * where the loss is flat (Foret et al. 2020, https://arxiv.org/abs/2010.01412). At the weights themselves where it is left out.
   */
  readonly sharpness?: {
    readonly radius: number
    /** Of a batch, the first so many show where uphill is: what trains is computed twice for them (Bahri et al. 2021, https://arxiv.org/abs/2110.08529). */
    readonly photos: number
  }
  /** Longest gradient over all weights together; a longer one is scaled down to it. None where it is left out. */
  readonly gradientClip?: number
  /**
   * `frozen`: folded into the kernels, as networks of Verger are. `training`: opened again, so that every convolution
   * that trains is normalised by the statistics of its batch; `trainedWeights` folds it again. It starts from what
   * `measureStatistics` found, so that the first step computes what the folded network would.
   */
  readonly batchNorm: 'frozen' | { readonly statistics: ReadonlyMap<string, ConvStatistics> }
  /** Share of the classifier's inputs that a step leaves out; none where it is left out. */
  readonly dropout?: number
  /** Share of the moving average of weights that a step keeps, e.g. 0.999; no average where it is left out. */
  readonly averageDecay?: number
}

/** A tensor that a step reads and writes: a weight, a moment of the optimiser, a running statistic, a moving average. */
export interface StateTensor {
  /** `block11/expand/kernel`; behind a `#` what it is where it is no weight: `block11/expand/kernel#momentum`. */
  readonly name: string
  readonly dims: readonly number[]
}

/** What a step computes. Plain data but for its bytes. */
export interface TrainingStep {
  /** ONNX bytes. Its state is flat: ONNX Runtime multiplies `[1152, 192, 1, 1]` by a number seventy times slower than `[221184]`. */
  readonly model: Uint8Array
  readonly batchSize: number
  /** Side of the photos in pixels. */
  readonly size: number
  readonly classes: number
  /** Shape of what dropout leaves out or keeps, where there is dropout. */
  readonly dropoutDims?: readonly [number, number]
  readonly options: TrainingOptions
  /** The weights that train, in the order of the network. */
  readonly parameters: readonly StateTensor[]
  /** All that a step reads and writes, the parameters first. */
  readonly state: readonly StateTensor[]
  /** Values of `state` before the first step. */
  readonly initial: ReadonlyMap<string, FloatTensor>
}

/** Values of `TrainingStep.state` by name, and how many steps made them. */
export interface TrainingState {
  readonly steps: number
  readonly tensors: ReadonlyMap<string, FloatTensor>
}

export interface StepRequest {
  /** RGB levels `[batchSize, size, size, 3]`. */
  readonly photos: Uint8Array
  /** What the network should say of each photo, `[batchSize, classes]`; see `targetsOf`. */
  readonly targets: Float32Array
  readonly learningRate: number
  /** Decides which inputs of the classifier dropout leaves out. */
  readonly seed?: number
}

export interface StepResult {
  /** Mean of −Σ target · log(probability) over the batch. */
  readonly loss: number
  /** Length of the gradient over all weights, before it is clipped. */
  readonly gradientNorm: number
  /** Photos whose largest target got the largest score. */
  readonly correct: number
  /** False where the loss or the gradient was not finite: then nothing was changed. */
  readonly isApplied: boolean
}

/** A plan being carried out on a thread of its own. One call at a time. */
export interface Trainer {
  step(request: StepRequest): Promise<StepResult>
  /** Copies of all values: what `write` needs to go on bit for bit. */
  read(): Promise<TrainingState>
  /** Replaces all values. RangeError naming the first tensor that is missing or has another shape. */
  write(state: TrainingState): Promise<void>
  close(): Promise<void>
}
