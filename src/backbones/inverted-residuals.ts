/** Networks of inverted residual blocks: an expansion, a depthwise convolution, a linear projection, a shortcut. */
import {
  INPUT,
  type LayerId,
  type Network,
  NetworkBuilder,
  type NetworkInput,
} from '../tensor/network.ts'

export interface InvertedResiduals {
  readonly name: string
  readonly input: NetworkInput
  readonly classes: number
  readonly stages: readonly {
    readonly expansion: number
    readonly kernelSize: number
    readonly channels: number
    readonly repeats: number
    /** Of its first block. */
    readonly stride: number
  }[]
}

const STEM_CHANNELS = 32
const FEATURES = 1280

/**
 * Describes such a network with ReLU6 and TensorFlow's SAME padding: 1280 `features` and the `logits`. Layers are named
 * `stem`, `block<n>/{expand,depthwise,project}`, `top`, `classifier`.
 */
export function describeInvertedResiduals({
  name: network,
  input,
  classes,
  stages: layout,
}: InvertedResiduals): Network {
  const builder = new NetworkBuilder()
  const stages: Record<string, LayerId> = {}
  const conv = (
    name: string,
    input: LayerId,
    options: { filters: number; kernelSize?: number; stride?: number; groups?: number },
  ): LayerId =>
    builder.add({
      op: 'conv',
      name,
      input,
      kernelSize: 1,
      stride: 1,
      padding: 'same',
      groups: 1,
      ...options,
    })
  const relu6 = (input: LayerId): LayerId => builder.add({ op: 'relu6', input })

  let x = relu6(conv('stem', INPUT, { filters: STEM_CHANNELS, kernelSize: 3, stride: 2 }))
  let channels = STEM_CHANNELS
  let block = 0
  for (const stage of layout) {
    for (let repeat = 0; repeat < stage.repeats; repeat++) {
      const name = `block${block++}`
      const stride = repeat === 0 ? stage.stride : 1
      const inner = channels * stage.expansion
      const shortcut = x
      if (stage.expansion > 1) x = relu6(conv(`${name}/expand`, x, { filters: inner }))
      const depthwise = { filters: inner, kernelSize: stage.kernelSize, stride, groups: inner }
      x = relu6(conv(`${name}/depthwise`, x, depthwise))
      x = conv(`${name}/project`, x, { filters: stage.channels })
      if (stride === 1 && channels === stage.channels) {
        x = builder.add({ op: 'add', inputs: [shortcut, x] })
      }
      channels = stage.channels
      stages[name] = x
    }
  }
  const top = relu6(conv('top', x, { filters: FEATURES }))
  const features = builder.add({ op: 'global-average-pool', input: top })
  const logits = builder.add({ op: 'dense', name: 'classifier', input: features, units: classes })
  return {
    name: network,
    input,
    layers: builder.layers,
    outputs: {
      features: { layer: features, width: FEATURES },
      logits: { layer: logits, width: classes },
    },
    stages,
  }
}
