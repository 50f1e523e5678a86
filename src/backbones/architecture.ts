import type { Network } from '../tensor/network.ts'
import type { LayerModules } from './pytorch-naming.ts'

/** What Verger knows of an architecture: one record each, in `architectures/`. */
export interface Architecture {
  /** The id of the backbone that has this architecture. */
  readonly id: string
  /** Side in pixels of the photos that its published weights were trained on. */
  readonly size: number
  /** Added to the variance of every batch norm in the original definition. */
  readonly normEpsilon: number
  /** SPDX id of the licence under which the original weights are published. */
  readonly licence: string
  /** The network for a square input of `size` pixels, with the outputs `features` and `logits` over `classes`. */
  describe(size: number, classes: number): Network
  /** How state dicts of PyTorch name its layers, one entry for each library. */
  readonly pytorch?: readonly PyTorchNaming[]
}

/** Names in the state dicts of one library, and where its network differs from the original definition. */
export interface PyTorchNaming {
  /** E.g. `torchvision`. */
  readonly library: string
  /** What the library calls the model: a name of the file that begins so decides where two libraries name tensors alike. */
  readonly model: string
  /** The modules of a layer by its name in `describe`: `<layer>.weight`, `<norm>.running_mean` and so on. */
  modules(layer: string): LayerModules
  readonly normEpsilon: number
  /** The network as that library runs it, e.g. with zeros on both sides alike. */
  adapt(network: Network): Network
}
