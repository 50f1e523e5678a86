/** What several libraries of PyTorch have in common: the scaling of ImageNet's colours, padding, names of blocks. */
import { type Network, type PerChannel, toPair } from '../tensor/network.ts'

/** The modules of one layer in a state dict. */
export interface LayerModules {
  readonly layer: string
  readonly norm?: string
}

/** Mean and deviation of ImageNet, as torchvision and timm take them off photos of 0 to 1, for levels. */
export const IMAGENET_COLOURS: { readonly mean: PerChannel; readonly divisor: PerChannel } = {
  mean: [123.675, 116.28, 103.53],
  divisor: [58.395, 57.12, 57.375],
}

/** −1 to 1, as TensorFlow's own networks are fed. */
export const CENTRED = { mean: 127.5, divisor: 127.5 } as const

/** The epsilon of PyTorch's batch norm where nobody asks for another. */
export const TORCH_EPSILON = 1e-5

/** The network with as many zeros on either side of each convolution: what PyTorch pads where TensorFlow has SAME. */
export const padAlike = (network: Network): Network => ({
  ...network,
  layers: network.layers.map((layer) => {
    if (layer.op !== 'conv' || layer.padding !== 'same') return layer
    const [down, across] = toPair(layer.kernelSize).map((taps) => (taps - 1) / 2) as [
      number,
      number,
    ]
    return { ...layer, padding: [down, across, down, across] }
  }),
})

/** The same with the scaling that a library feeds. */
export const withScaling = (
  network: Network,
  scaling: { readonly mean: PerChannel; readonly divisor: PerChannel },
): Network => ({ ...network, input: { ...network.input, ...scaling } })

/**
 * Names of timm's EfficientNet builder (https://github.com/huggingface/pytorch-image-models, timm/models/_efficientnet_blocks.py)
 * for layers `stem`, `block<n>/{expand,depthwise,project}`, `top` and `classifier`. `stages` tells how many blocks each
 * stage has; those of the first stage do not expand.
 */
export function timmModules(
  layer: string,
  stages: readonly { readonly repeats: number }[],
): LayerModules {
  const [block = '', part] = layer.split('/')
  if (layer === 'stem') return { layer: 'conv_stem', norm: 'bn1' }
  if (layer === 'top') return { layer: 'conv_head', norm: 'bn2' }
  if (part === undefined) return { layer }
  let place = Number(block.slice('block'.length))
  let stage = 0
  while (place >= (stages[stage]?.repeats ?? Number.POSITIVE_INFINITY)) {
    place -= stages[stage++]?.repeats ?? 0
  }
  const names =
    stage === 0
      ? { depthwise: ['conv_dw', 'bn1'], project: ['conv_pw', 'bn2'] }
      : { expand: ['conv_pw', 'bn1'], depthwise: ['conv_dw', 'bn2'], project: ['conv_pwl', 'bn3'] }
  const [conv, norm] = (names as Readonly<Record<string, readonly string[]>>)[part] ?? []
  const path = `blocks.${stage}.${place}`
  return { layer: `${path}.${conv}`, norm: `${path}.${norm}` }
}
