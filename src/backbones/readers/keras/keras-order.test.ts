import { describe, expect, it } from 'vitest'
import { describeNetwork, findArchitecture } from '../../architectures.ts'
import { kerasOrder } from './keras-order.ts'

const order = (id: string) =>
  kerasOrder(describeNetwork(findArchitecture(id))).map(({ name }) => name)

describe('kerasOrder', () => {
  it('is the order of the description in a network without branches', () => {
    const described = describeNetwork(findArchitecture('mobilenet-v2'))
    const names = described.layers.flatMap((layer) => ('name' in layer ? [layer.name] : []))
    expect(order('mobilenet-v2')).toEqual(names)
  })

  it('goes through branches as Keras 3.15 lists the layers of InceptionV3', () => {
    const names = order('inception-v3')
    const listed = (block: string) =>
      names.filter((name) => name.startsWith(`${block}/`)).map((name) => name.split('branch')[1])
    expect(names.slice(0, 5)).toEqual(['stem1', 'stem2', 'stem3', 'stem4', 'stem5'])
    expect(names.at(-1)).toBe('classifier')
    expect(listed('mixed0').join(' ')).toBe('3x3dbl_1 5x5_1 3x3dbl_2 1x1 5x5_2 3x3dbl_3 _pool')
    expect(listed('mixed3').join(' ')).toBe('3x3dbl_1 3x3dbl_2 3x3 3x3dbl_3')
    expect(listed('mixed4').join(' ')).toBe(
      '7x7dbl_1 7x7dbl_2 7x7_1 7x7dbl_3 7x7_2 7x7dbl_4 1x1 7x7_3 7x7dbl_5 _pool',
    )
    expect(listed('mixed8').join(' ')).toBe('7x7x3_1 7x7x3_2 3x3_1 7x7x3_3 3x3_2 7x7x3_4')
    expect(listed('mixed9').join(' ')).toBe(
      '3x3dbl_1 3x3_1 3x3dbl_2 3x3_2a 3x3_2b 3x3dbl_3a 3x3dbl_3b 1x1 _pool',
    )
  })
})
