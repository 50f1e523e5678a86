import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { differenceOf, fixture } from '../../../../test/support/keras-fixtures.ts'
import { type Json, readModelConfig } from './keras-config.ts'
import { buildKerasNetwork } from './keras-network.ts'
import { readKerasModel } from './read-keras-model.ts'

const layer = (
  kind: string,
  name: string,
  config: Record<string, Json> = {},
  ...inputs: string[]
) => ({
  class_name: kind,
  name,
  config: { name, ...config },
  inbound_nodes: inputs.length === 0 ? [] : [inputs.map((from) => [from, 0, 0, {}])],
})
const PHOTO = layer('InputLayer', 'photo', { batch_input_shape: [null, 8, 8, 3] })

const build = (
  layers: ReturnType<typeof layer>[],
  output: string,
  inputs: Json = [['photo', 0, 0]],
) =>
  buildKerasNetwork(
    readModelConfig('Functional', {
      name: 'tree',
      layers,
      input_layers: inputs,
      output_layers: [[output, 0, 0]],
    }),
    { isOldKeras: true, weightsOf: () => [] },
  )

describe('readKerasModel', () => {
  it.each(['nested.keras', 'nested.h5', 'squeezing.keras'])(
    'gives the numbers of Keras from %s',
    async (name) => {
      const model = await readKerasModel(fixture(name))
      expect(model.knowsScaling).toBe(true)
      expect(await differenceOf(name, model)).toBeLessThan(1e-6)
    },
  )

  it('takes the scaling of the photo off and folds batch norm', async () => {
    const { network, notes } = await readKerasModel(fixture('nested.h5'))
    expect(network.input).toEqual({ size: 28, mean: 127.5, divisor: 127.5 })
    expect(network.outputs['features']?.width).toBe(9)
    expect(notes.join(' ')).toContain('(level − 127.5) / 127.5')
  })

  it('is made of files that are really small', () => {
    expect(readFileSync(fixture('nested.h5')).length).toBeLessThan(64 * 1024)
  })
})

describe('a description', () => {
  it.each([
    [
      'a layer of one\u2019s own',
      [PHOTO, layer('Fruit', 'kiwi', {}, 'photo')],
      'kiwi',
      'received Fruit at kiwi',
    ],
    [
      'a lambda',
      [PHOTO, layer('Lambda', 'twice', {}, 'photo')],
      'twice',
      'received Lambda at twice',
    ],
    [
      'a circle',
      [PHOTO, layer('Add', 'a', {}, 'photo', 'b'), layer('Add', 'b', {}, 'photo', 'a')],
      'b',
      'without circles',
    ],
    [
      'a layer that is not there',
      [PHOTO, layer('Add', 'a', {}, 'photo', 'gone')],
      'a',
      'the layer gone',
    ],
    ['a layer that reads itself', [PHOTO, layer('Add', 'a', {}, 'a', 'a')], 'a', 'without circles'],
    [
      'channels first',
      [PHOTO, layer('MaxPooling2D', 'pool', { data_format: 'channels_first' }, 'photo')],
      'pool',
      'channels_last',
    ],
    [
      'an activation that nobody has',
      [PHOTO, layer('Activation', 'act', { activation: 'mish' }, 'photo')],
      'act',
      'received mish',
    ],
  ])('with %s is refused', (_words, layers, output, message) => {
    expect(() => build(layers, output)).toThrow(message)
  })

  it('with a layer that is named like a part of every object is refused', () => {
    expect(() => build([PHOTO, layer('constructor', 'x', {}, 'photo')], 'x')).toThrow(
      'constructor at x',
    )
  })

  it.each([
    ['grey photos', [null, 8, 8, 1], 'Expected photos'],
    ['photos that are not square', [null, 8, 9, 3], 'a square input'],
    ['photos of any size', [null, null, null, 3], 'a fixed size'],
  ])('of %s is refused', (_words, shape, message) => {
    const photo = layer('InputLayer', 'photo', { batch_input_shape: shape })
    expect(() => build([photo, layer('Dropout', 'd', {}, 'photo')], 'd')).toThrow(message)
  })

  it('with two inputs is refused', () => {
    const inputs = [
      ['photo', 0, 0],
      ['other', 0, 0],
    ]
    expect(() => build([PHOTO, layer('Dropout', 'd', {}, 'photo')], 'd', inputs)).toThrow(
      'one input',
    )
  })

  it('of a long chain needs no deep stack', () => {
    const chain = Array.from({ length: 15_000 }, (_, at) =>
      layer('Dropout', `d${at}`, {}, at === 0 ? 'photo' : `d${at - 1}`),
    )
    expect(build([PHOTO, ...chain], 'd14999').draft.layers).toEqual([])
  })

  it('whose models call each other ever more often is refused', () => {
    let inner = layer('Dropout', 'inner')
    for (let depth = 0; depth < 12; depth++) {
      // Four times one after the other, of which each is four times what is inside.
      const calls = ['photo', 'inner', 'inner', 'inner'].map((from, at) => [
        [from, Math.max(0, at - 1), 0, {}],
      ])
      const config = {
        name: 'inner',
        layers: [PHOTO, { ...inner, inbound_nodes: calls }],
        input_layers: [['photo', 0, 0]],
        output_layers: [['inner', 3, 0]],
      }
      inner = { ...layer('Functional', 'inner', {}, 'photo'), config }
    }
    expect(() => build([PHOTO, inner], 'inner')).toThrow('at most')
  })
})
