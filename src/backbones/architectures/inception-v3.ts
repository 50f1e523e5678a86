/**
 * Inception-v3: parallel branches of factorised convolutions, joined channel after channel.
 * Layout: Szegedy et al., https://arxiv.org/abs/1512.00567, table 1 and figures 5 to 7, 10. Numbers of filters, VALID stem,
 * stage names and input scaling (x − 127.5) / 127.5:
 * https://github.com/keras-team/keras/blob/master/keras/src/applications/inception_v3.py. Its batch norm has no gamma.
 * The means inside do not count the zeros around a map, as TensorFlow does and PyTorch does not.
 */
import {
  INPUT,
  type LayerId,
  type Network,
  NetworkBuilder,
  type Padding,
  type Pair,
} from '../../tensor/network.ts'
import type { Architecture, PyTorchNaming } from '../architecture.ts'

const FEATURES = 2048

/** What PyTorch calls `stem1` to `stem5` and `mixed0` to `mixed10`. */
const STEM = ['1a_3x3', '2a_3x3', '2b_3x3', '3b_1x1', '4a_3x3']
const MIXED = ['5b', '5c', '5d', '6a', '6b', '6c', '6d', '6e', '7a', '7b', '7c']

/**
 * https://github.com/pytorch/vision/blob/main/torchvision/models/inception.py; timm has the same names. Its means count the
 * zeros around a map. The published weights read photos of −1 to 1: with them, `transform_input` undoes ImageNet's colours.
 */
const torchvision: PyTorchNaming = {
  library: 'torchvision',
  model: 'inception_v3',
  normEpsilon: 1e-3,
  modules(layer) {
    const [block = '', branch] = layer.split('/')
    const [, kind, number] = /^(stem|mixed)(\d+)$/.exec(block) ?? []
    if (kind === undefined) return { layer: 'fc' }
    const path =
      kind === 'stem'
        ? `Conv2d_${STEM[Number(number) - 1]}`
        : `Mixed_${MIXED[Number(number)]}.${branch}`
    return { layer: `${path}.conv`, norm: `${path}.bn` }
  },
  adapt: (network) => ({
    ...network,
    layers: network.layers.map((layer) =>
      layer.op === 'average-pool' ? { ...layer, countsPadding: true } : layer,
    ),
  }),
}

/**
 * 2048 `features`. Layers are named `stem1` to `stem5`, `mixed<0..10>/branch…` and `classifier`; stages `mixed0` to
 * `mixed10`, as in Keras. The names of branches are those that the Inception family goes by everywhere: `branch3x3dbl_2` is the
 * second convolution of the branch with two of 3 × 3.
 */
export const inceptionV3: Architecture = {
  id: 'inception-v3',
  size: 299,
  normEpsilon: 1e-3,
  licence: 'Apache-2.0',
  describe,
  pytorch: [torchvision],
}

function describe(size: number, classes: number): Network {
  const blocks = new InceptionBuilder()
  let x = blocks.conv('stem1', INPUT, 32, 3, { stride: 2, padding: 'valid' })
  x = blocks.conv('stem2', x, 32, 3, { padding: 'valid' })
  x = blocks.conv('stem3', x, 64, 3)
  x = blocks.halve(x)
  x = blocks.conv('stem4', x, 80, 1, { padding: 'valid' })
  x = blocks.conv('stem5', x, 192, 3, { padding: 'valid' })
  x = blocks.halve(x)
  // 35 × 35 for 299 pixels
  x = blocks.squares('mixed0', x, 32)
  x = blocks.squares('mixed1', x, 64)
  x = blocks.squares('mixed2', x, 64)
  x = blocks.squaresHalved('mixed3', x)
  // 17 × 17
  x = blocks.strips('mixed4', x, 128)
  x = blocks.strips('mixed5', x, 160)
  x = blocks.strips('mixed6', x, 160)
  x = blocks.strips('mixed7', x, 192)
  x = blocks.stripsHalved('mixed8', x)
  // 8 × 8
  x = blocks.forks('mixed9', x)
  x = blocks.forks('mixed10', x)
  const { builder, stages } = blocks
  const features = builder.add({ op: 'global-average-pool', input: x })
  const logits = builder.add({ op: 'dense', name: 'classifier', input: features, units: classes })
  return {
    name: 'inception-v3',
    input: { size, mean: 127.5, divisor: 127.5 },
    layers: builder.layers,
    outputs: {
      features: { layer: features, width: FEATURES },
      logits: { layer: logits, width: classes },
    },
    stages,
  }
}

/** One convolution of a branch: its name behind `branch`, filters, kernel. */
type Step = readonly [suffix: string, filters: number, kernelSize: Pair]

class InceptionBuilder {
  readonly builder = new NetworkBuilder()
  readonly stages: Record<string, LayerId> = {}

  conv(
    name: string,
    input: LayerId,
    filters: number,
    kernelSize: Pair,
    { stride = 1, padding = 'same' }: { stride?: number; padding?: Padding } = {},
  ): LayerId {
    const layer = { name, input, filters, kernelSize, stride, padding, groups: 1 }
    return this.builder.add({ op: 'relu', input: this.builder.add({ op: 'conv', ...layer }) })
  }

  /** A maximum over 3 × 3 at every second position. */
  halve(input: LayerId): LayerId {
    return this.builder.add({ op: 'max-pool', input, kernelSize: 3, stride: 2, padding: 'valid' })
  }

  /** Figure 5 of the paper. */
  squares(name: string, input: LayerId, pooled: number): LayerId {
    return this.join(name, [
      this.branch(name, input, [['1x1', 64, 1]]),
      this.branch(name, input, [
        ['5x5_1', 48, 1],
        ['5x5_2', 64, 5],
      ]),
      this.branch(name, input, [
        ['3x3dbl_1', 64, 1],
        ['3x3dbl_2', 96, 3],
        ['3x3dbl_3', 96, 3],
      ]),
      this.pooled(name, input, pooled),
    ])
  }

  /** Figure 10. */
  squaresHalved(name: string, input: LayerId): LayerId {
    const branch = this.branch(name, input, [
      ['3x3dbl_1', 64, 1],
      ['3x3dbl_2', 96, 3],
    ])
    return this.join(name, [
      this.halvedBranch(name, input, ['3x3', 384, 3]),
      this.halvedBranch(name, branch, ['3x3dbl_3', 96, 3]),
      this.halve(input),
    ])
  }

  /** Figure 6 with n = 7. */
  strips(name: string, input: LayerId, filters: number): LayerId {
    return this.join(name, [
      this.branch(name, input, [['1x1', 192, 1]]),
      this.branch(name, input, [
        ['7x7_1', filters, 1],
        ['7x7_2', filters, [1, 7]],
        ['7x7_3', 192, [7, 1]],
      ]),
      this.branch(name, input, [
        ['7x7dbl_1', filters, 1],
        ['7x7dbl_2', filters, [7, 1]],
        ['7x7dbl_3', filters, [1, 7]],
        ['7x7dbl_4', filters, [7, 1]],
        ['7x7dbl_5', 192, [1, 7]],
      ]),
      this.pooled(name, input, 192),
    ])
  }

  /** Figure 10 again, with strips in its longer branch. */
  stripsHalved(name: string, input: LayerId): LayerId {
    const short = this.branch(name, input, [['3x3_1', 192, 1]])
    const halved = this.halvedBranch(name, short, ['3x3_2', 320, 3])
    const long = this.branch(name, input, [
      ['7x7x3_1', 192, 1],
      ['7x7x3_2', 192, [1, 7]],
      ['7x7x3_3', 192, [7, 1]],
    ])
    return this.join(name, [
      halved,
      this.halvedBranch(name, long, ['7x7x3_4', 192, 3]),
      this.halve(input),
    ])
  }

  /** Figure 7: strips side by side. */
  forks(name: string, input: LayerId): LayerId {
    const fork = (from: LayerId, across: string, down: string): LayerId => {
      const inputs = [
        this.branch(name, from, [[across, 384, [1, 3]]]),
        this.branch(name, from, [[down, 384, [3, 1]]]),
      ]
      return this.builder.add({ op: 'concat', inputs })
    }
    const single = this.branch(name, input, [['1x1', 320, 1]])
    const short = this.branch(name, input, [['3x3_1', 384, 1]])
    const shortFork = fork(short, '3x3_2a', '3x3_2b')
    const long = this.branch(name, input, [
      ['3x3dbl_1', 448, 1],
      ['3x3dbl_2', 384, 3],
    ])
    const longFork = fork(long, '3x3dbl_3a', '3x3dbl_3b')
    return this.join(name, [single, shortFork, longFork, this.pooled(name, input, 192)])
  }

  branch(block: string, input: LayerId, steps: readonly Step[]): LayerId {
    return steps.reduce(
      (x, [suffix, filters, kernelSize]) =>
        this.conv(`${block}/branch${suffix}`, x, filters, kernelSize),
      input,
    )
  }

  halvedBranch(block: string, input: LayerId, [suffix, filters, kernelSize]: Step): LayerId {
    const options = { stride: 2, padding: 'valid' } as const
    return this.conv(`${block}/branch${suffix}`, input, filters, kernelSize, options)
  }

  pooled(block: string, input: LayerId, filters: number): LayerId {
    const mean = this.builder.add({
      op: 'average-pool',
      input,
      kernelSize: 3,
      stride: 1,
      padding: 'same',
    })
    return this.conv(`${block}/branch_pool`, mean, filters, 1)
  }

  join(name: string, inputs: readonly LayerId[]): LayerId {
    const joined = this.builder.add({ op: 'concat', inputs })
    this.stages[name] = joined
    return joined
  }
}
