import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { type Hdf5Group, type Hdf5Values, writeHdf5 } from '../../../../test/support/hdf5.ts'
import { INPUT, NetworkBuilder } from '../../../tensor/network.ts'
import type { Architecture } from '../../architecture.ts'
import { readKerasWeights } from './keras-weights.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-keras-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function write(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.h5`)
  writeFileSync(path, bytes)
  return path
}

/** A convolution, a depthwise one, and a classifier. */
const tiny: Architecture = {
  id: 'tiny',
  size: 8,
  normEpsilon: 0,
  licence: 'Apache-2.0',
  describe(size, classes) {
    const builder = new NetworkBuilder()
    const plain = { op: 'conv', stride: 1, padding: 'same' } as const
    const wide = { ...plain, name: 'wide', input: INPUT, filters: 2, kernelSize: [1, 2], groups: 1 }
    const x = builder.add({ ...wide, kernelSize: [1, 2] })
    const deep = { ...plain, name: 'deep', filters: 2, kernelSize: 1, groups: 2 }
    const features = builder.add({
      op: 'global-average-pool',
      input: builder.add({ ...deep, input: x }),
    })
    const logits = builder.add({ op: 'dense', name: 'top', input: features, units: classes })
    return {
      name: 'tiny',
      input: { size, mean: 0, divisor: 1 },
      layers: builder.layers,
      outputs: {
        features: { layer: features, width: 2 },
        logits: { layer: logits, width: classes },
      },
    }
  },
}

const values = (dims: number[], ...data: number[]): Hdf5Values => ({
  dims,
  data: Float32Array.from(data),
})

/** Height 1, width 2, three channels, two filters: channel 10, tap 100, filter 1. */
const wideKernel = values([1, 2, 3, 2], 0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121)
const deepKernel = values([1, 1, 2, 1], 3, 5)
const kernel = values([2, 3], 1, 2, 3, 4, 5, 6)
const bias = values([3], 7, 8, 9)
/** Doubles the first filter and moves the second one by −1; without gamma the scale is 1 / √variance. */
const norm = [values([2], 0, 1), values([2], 0, 2), values([2], 0.25, 1)] as const
const norms = { gamma: values([2], 1, 2), beta: norm[0], mean: norm[1], variance: norm[2] }

interface Parts {
  readonly [layer: string]: Readonly<Record<string, Hdf5Values>>
}
const PARTS: Parts = {
  conv2d_9: { kernel: wideKernel },
  batch_normalization_4: { beta: norm[0], moving_mean: norm[1], moving_variance: norm[2] },
  depthwise_conv2d_7: { depthwise_kernel: deepKernel },
  batch_normalization_5: norms,
  predictions: { kernel, bias },
}

/** As Keras wrote it until version 2. */
function listed(parts: Parts): Hdf5Group {
  const members = Object.entries(parts).map(([layer, variables]): [string, Hdf5Group] => {
    const named = Object.entries(variables).map(([name, tensor]) => [`${name}:0`, tensor] as const)
    const weight_names = named.map(([name]) => `${layer}/${name}`)
    const inner = { [layer]: { members: Object.fromEntries(named) } }
    return [layer, { attributes: { weight_names }, members: inner }]
  })
  return {
    attributes: { layer_names: Object.keys(parts) },
    members: Object.fromEntries(members),
  }
}

/** As Keras 3 writes it: each class with numbers of its own. */
function numbered(parts: Parts): Hdf5Group {
  const counts = new Map<string, number>()
  const members = Object.entries(parts).map(([layer, variables]): [string, Hdf5Group] => {
    const kind = layer === 'predictions' ? 'dense' : layer.replace(/_\d+$/, '')
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    const vars = Object.fromEntries(Object.values(variables).map((tensor, at) => [at, tensor]))
    return [count === 0 ? kind : `${kind}_${count}`, { members: { vars: { members: vars } } }]
  })
  return { members: { layers: { members: Object.fromEntries(members) } } }
}

const zipped = (weights: Uint8Array, level: 0 | 6 = 0): Uint8Array =>
  zipSync({ 'config.json': Buffer.from('{}'), 'model.weights.h5': weights }, { level })

const LAYOUTS: readonly [string, (parts: Parts) => Promise<Uint8Array>][] = [
  ['the layout of Keras 2', (parts) => writeHdf5(listed(parts))],
  ['a whole model of Keras 2', (parts) => writeHdf5({ members: { model_weights: listed(parts) } })],
  ['the layout of Keras 3', (parts) => writeHdf5(numbered(parts))],
  [
    'a model inside a model of Keras 3',
    (parts) => writeHdf5({ members: { layers: { members: { functional: numbered(parts) } } } }),
  ],
  ['a .keras zip', async (parts) => zipped(await writeHdf5(numbered(parts)))],
]

const read = async (bytes: Uint8Array) => readKerasWeights(write(bytes), tiny)

describe.each(LAYOUTS)('readKerasWeights from %s', (_what, encode) => {
  it('turns kernels to our order and folds batch norm, with and without gamma', async () => {
    const { network, weights, notes, knowsScaling } = await read(await encode(PARTS))
    expect(weights.get('wide/kernel')).toEqual({
      dims: [2, 3, 1, 2],
      data: Float32Array.of(0, 200, 20, 220, 40, 240, 1, 101, 11, 111, 21, 121),
    })
    expect(weights.get('wide/bias')?.data).toEqual(Float32Array.of(0, -1))
    expect(weights.get('deep/kernel')).toEqual({
      dims: [2, 1, 1, 1],
      data: Float32Array.of(6, 10),
    })
    expect(weights.get('deep/bias')?.data).toEqual(Float32Array.of(0, -3))
    expect(weights.get('top/kernel')).toEqual({
      dims: [3, 2],
      data: Float32Array.of(1, 4, 2, 5, 3, 6),
    })
    expect(weights.get('top/bias')?.data).toEqual(bias.data)
    expect(network.outputs['logits']?.width).toBe(3)
    expect([notes, knowsScaling]).toEqual([[], true])
  })

  it('gives features alone where the file has no top, and says so', async () => {
    const { predictions: _, ...parts } = PARTS
    const { network, weights, notes } = await read(await encode(parts))
    expect(Object.keys(network.outputs)).toEqual(['features'])
    expect(network.layers.at(-1)?.op).toBe('global-average-pool')
    expect([...weights.keys()]).toEqual(['wide/kernel', 'wide/bias', 'deep/kernel', 'deep/bias'])
    expect(notes).toEqual([expect.stringMatching(/no classifier/)])
  })

  it('leaves a top of another kind out, and names it', async () => {
    const parts = { ...PARTS, predictions: { kernel: values([3, 2], 1, 2, 3, 4, 5, 6), bias } }
    const { network, notes } = await read(await encode(parts))
    expect(Object.keys(network.outputs)).toEqual(['features'])
    expect(notes).toEqual([expect.stringMatching(/dense|predictions/)])
  })

  it.each<[string, Parts, RegExp]>([
    [
      'a kernel of another shape',
      { ...PARTS, conv2d_9: { kernel: values([1, 1, 3, 2], 1, 2, 3, 4, 5, 6) } },
      /the kernel of wide of tiny with shape \[1, 2, 3, 2\], received \/\S*conv2d\S* of shape \[1, 1, 3, 2\]/,
    ],
    [
      'a batch norm of another width',
      { ...PARTS, batch_normalization_4: { a: bias, b: bias, c: bias } },
      /the beta of the batch norm behind wide of tiny with shape \[2\], received \/\S+ of shape \[3\]/,
    ],
    [
      'too few convolutions',
      { conv2d_9: PARTS['conv2d_9'] ?? {}, batch_normalization_4: norms },
      /the kernel of deep of tiny with shape \[1, 1, 2, 1\], received no further tensor/,
    ],
    [
      'too many',
      { ...PARTS, conv2d_99: { kernel: wideKernel } },
      /tiny in .*, which has no place for \/\S+ of shape \[1, 2, 3, 2\]/,
    ],
    [
      'a number that is none',
      {
        ...PARTS,
        conv2d_9: { kernel: { ...wideKernel, data: new Float32Array(12).fill(Number.NaN) } },
      },
      /Expected finite numbers in \/\S*conv2d/,
    ],
  ])('refuses %s and names the tensor', async (_fault, parts, message) => {
    await expect(read(await encode(parts))).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(message),
    })
  })
})

describe('readKerasWeights', () => {
  it('refuses HDF5 of another kind', async () => {
    await expect(read(await writeHdf5({ members: { data: bias } }))).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(/the attribute layer_names, or a group layers; received data/),
    })
  })

  it('refuses a list with a tensor that is not there', async () => {
    const whole = listed(PARTS)
    const missing = {
      ...whole.members,
      predictions: { attributes: { weight_names: ['a/kernel:0'] } },
    }
    await expect(read(await writeHdf5({ ...whole, members: missing }))).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(/the tensor \/predictions\/a\/kernel:0, which is listed/),
    })
  })

  it('refuses a zip that is compressed, lacks its weights, was cut or changed', async () => {
    const weights = await writeHdf5(numbered(PARTS))
    const whole = zipped(weights)
    const changed = Uint8Array.from(whole)
    changed.set([~(whole[whole.length >> 1] ?? 0)], whole.length >> 1)
    const cases: [Uint8Array, string, RegExp][] = [
      [zipped(weights, 6), 'model_unsupported', /config.json to be stored/],
      [
        zipSync({ 'config.json': Buffer.from('{}') }, { level: 0 }),
        'model_invalid',
        /without model.weights.h5/,
      ],
      [whole.subarray(0, whole.length - 30), 'model_invalid', /Expected a .keras zip at/],
      [changed, 'model_invalid', /the checksum/],
    ]
    for (const [bytes, code, message] of cases) {
      await expect(read(bytes)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      })
    }
  })
})
