/**
 * EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6 in place of swish.
 * Layout of stages: Tan & Le, https://arxiv.org/abs/1905.11946, table 1; the Lite changes and the input scaling
 * (x − 127) / 128: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
 */
import type { Network } from '../../tensor/network.ts'
import type { Architecture, PyTorchNaming } from '../architecture.ts'
import { describeInvertedResiduals } from '../inverted-residuals.ts'
import {
  CENTRED,
  IMAGENET_COLOURS,
  padAlike,
  TORCH_EPSILON,
  timmModules,
  withScaling,
} from '../pytorch-naming.ts'

/** Expansion, kernel size, first stride, repeats, output channels of each stage. */
const STAGES = [
  { expansion: 1, kernelSize: 3, stride: 1, repeats: 1, channels: 16 },
  { expansion: 6, kernelSize: 3, stride: 2, repeats: 2, channels: 24 },
  { expansion: 6, kernelSize: 5, stride: 2, repeats: 2, channels: 40 },
  { expansion: 6, kernelSize: 3, stride: 2, repeats: 3, channels: 80 },
  { expansion: 6, kernelSize: 5, stride: 1, repeats: 3, channels: 112 },
  { expansion: 6, kernelSize: 5, stride: 2, repeats: 4, channels: 192 },
  { expansion: 6, kernelSize: 3, stride: 1, repeats: 1, channels: 320 },
] as const

/** The epsilon of every batch norm of the original family. */
const EPSILON = 1e-3

/** The original weights: https://github.com/lukemelas/EfficientNet-PyTorch names their layers so. */
const ported: PyTorchNaming = {
  library: 'efficientnet-lite0-pytorch',
  model: 'efficientnet_lite0',
  normEpsilon: EPSILON,
  adapt: (network) => network,
  modules(layer) {
    const [block = '', part] = layer.split('/')
    if (layer === 'stem') return { layer: '_conv_stem', norm: '_bn0' }
    if (layer === 'top') return { layer: '_conv_head', norm: '_bn1' }
    if (part === undefined) return { layer: '_fc' }
    const norm = { expand: '_bn0', depthwise: '_bn1', project: '_bn2' }[part]
    const path = `_blocks.${block.slice('block'.length)}`
    return { layer: `${path}._${part}_conv`, norm: `${path}.${norm}` }
  },
}

/** Trained by timm itself. */
const timm: PyTorchNaming = {
  library: 'timm',
  model: 'efficientnet_lite0',
  normEpsilon: TORCH_EPSILON,
  adapt: (network) => withScaling(padAlike(network), IMAGENET_COLOURS),
  modules: (layer) => timmModules(layer, STAGES),
}

/** The original weights in timm, under the same names; it scales photos to −1 to 1. */
const timmPorted: PyTorchNaming = {
  ...timm,
  model: 'tf_efficientnet_lite0',
  normEpsilon: EPSILON,
  adapt: (network) => withScaling(network, CENTRED),
}

const describe = (size: number, classes: number): Network =>
  describeInvertedResiduals({
    name: 'efficientnet-lite0',
    input: { size, mean: 127, divisor: 128 },
    classes,
    stages: STAGES,
  })

/** 1280 `features`. Layers are named `stem`, `block<0..15>/{expand,depthwise,project}`, `top`, `classifier`. */
export const efficientNetLite0: Architecture = {
  id: 'efficientnet-lite0',
  size: 224,
  normEpsilon: EPSILON,
  licence: 'Apache-2.0',
  describe,
  pytorch: [ported, timm, timmPorted],
}
