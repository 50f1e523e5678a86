/**
 * MobileNetV2, width 1.0: inverted residual blocks, linear at their narrow ends.
 * Layout of blocks: Sandler et al., https://arxiv.org/abs/1801.04381, table 2. Names, padding and input scaling
 * (x − 127.5) / 127.5: https://github.com/keras-team/keras/blob/master/keras/src/applications/mobilenet_v2.py. Keras pads
 * by hand before a stride of 2, as much as TensorFlow's SAME does.
 */
import type { Network } from '../../tensor/network.ts'
import type { Architecture, PyTorchNaming } from '../architecture.ts'
import { describeInvertedResiduals } from '../inverted-residuals.ts'
import {
  IMAGENET_COLOURS,
  padAlike,
  TORCH_EPSILON,
  timmModules,
  withScaling,
} from '../pytorch-naming.ts'

/** Expansion, kernel size, channels, repeats and first stride of each stage: t, 3, c, n and s of the paper. */
const STAGES = [
  { expansion: 1, kernelSize: 3, channels: 16, repeats: 1, stride: 1 },
  { expansion: 6, kernelSize: 3, channels: 24, repeats: 2, stride: 2 },
  { expansion: 6, kernelSize: 3, channels: 32, repeats: 3, stride: 2 },
  { expansion: 6, kernelSize: 3, channels: 64, repeats: 4, stride: 2 },
  { expansion: 6, kernelSize: 3, channels: 96, repeats: 3, stride: 1 },
  { expansion: 6, kernelSize: 3, channels: 160, repeats: 3, stride: 2 },
  { expansion: 6, kernelSize: 3, channels: 320, repeats: 1, stride: 1 },
] as const

/** Both pad on either side alike, and were trained on ImageNet's colours. */
const ported = {
  normEpsilon: TORCH_EPSILON,
  adapt: (network: Network) => withScaling(padAlike(network), IMAGENET_COLOURS),
}

/** https://github.com/pytorch/vision/blob/main/torchvision/models/mobilenetv2.py */
const torchvision: PyTorchNaming = {
  ...ported,
  library: 'torchvision',
  model: 'mobilenet_v2',
  modules(layer) {
    const [block = '', part] = layer.split('/')
    if (layer === 'stem') return { layer: 'features.0.0', norm: 'features.0.1' }
    if (layer === 'top') return { layer: 'features.18.0', norm: 'features.18.1' }
    if (part === undefined) return { layer: 'classifier.1' }
    const place = Number(block.slice('block'.length)) + 1
    const path = `features.${place}.conv`
    // The first block does not expand, so that its other parts come one place earlier.
    const first = place === 1 ? 0 : 1
    if (part === 'project') return { layer: `${path}.${first + 1}`, norm: `${path}.${first + 2}` }
    const at = part === 'expand' ? 0 : first
    return { layer: `${path}.${at}.0`, norm: `${path}.${at}.1` }
  },
}

const timm: PyTorchNaming = {
  ...ported,
  library: 'timm',
  model: 'mobilenetv2_100',
  modules: (layer) => timmModules(layer, STAGES),
}

const describe = (size: number, classes: number): Network =>
  describeInvertedResiduals({
    name: 'mobilenet-v2',
    input: { size, mean: 127.5, divisor: 127.5 },
    classes,
    stages: STAGES,
  })

/** 1280 `features`. Layers are named `stem`, `block<0..16>/{expand,depthwise,project}`, `top`, `classifier`. */
export const mobileNetV2: Architecture = {
  id: 'mobilenet-v2',
  size: 224,
  normEpsilon: 1e-3,
  licence: 'Apache-2.0',
  describe,
  pytorch: [torchvision, timm],
}
