import { describe, expect, it } from 'vitest'
import { writeHdf5 } from '../../../test/support/hdf5.ts'
import { sourceOf } from './byte-source.ts'
import { openHdf5 } from './hdf5.ts'

const kernel = { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) }
const open = async (bytes: Uint8Array) => openHdf5(sourceOf(bytes))

const small = () =>
  writeHdf5({
    attributes: { model_config: '{"é": 1}' },
    members: {
      layers: {
        attributes: { layer_names: ['dense', 'dense_1'] },
        members: {
          dense: { members: { kernel } },
          doubles: { dims: [2], data: Float64Array.of(0.5, -1) },
          whole: { dims: [2], data: Int32Array.of(1, 2) },
        },
      },
    },
  })

describe('openHdf5', () => {
  it('gives groups, tensors and texts', async () => {
    const file = await open(await small())
    expect(file.members('/layers')).toEqual(['dense', 'doubles', 'whole'])
    const tensor = file.tensor('/layers/dense/kernel')
    expect(tensor?.dims).toEqual([2, 3])
    expect(tensor?.read()).toEqual(kernel)
    expect(file.tensor('/layers/doubles')?.read().data).toEqual(Float32Array.of(0.5, -1))
    expect(file.text('/', 'model_config')).toBe('{"é": 1}')
    expect(file.texts('/layers', 'layer_names')).toEqual(['dense', 'dense_1'])
    file.close()
  })

  it('gives nothing where nothing is', async () => {
    const file = await open(await small())
    expect(file.tensor('/layers')).toBeUndefined()
    expect(file.tensor('/layers/dense/bias')).toBeUndefined()
    expect(file.tensor('/nowhere/at/all')).toBeUndefined()
    expect(file.members('/layers/doubles/below')).toEqual([])
    expect(file.members('/nowhere')).toEqual([])
    expect(file.text('/', 'nothing')).toBeUndefined()
    expect(file.texts('/nowhere', 'nothing')).toBeUndefined()
    file.close()
  })

  it('joins lists that were cut into several attributes', async () => {
    const attributes = { weight_names0: ['a', 'b'], weight_names1: ['c'] }
    const file = await open(await writeHdf5({ attributes }))
    expect(file.texts('/', 'weight_names')).toEqual(['a', 'b', 'c'])
    file.close()
  })

  it('keeps two files apart', async () => {
    const [one, other] = [await open(await small()), await open(await writeHdf5({}))]
    expect(other.members('/')).toEqual([])
    other.close()
    expect(one.members('/')).toEqual(['layers'])
    one.close()
  })

  it('refuses numbers that no weight is made of', async () => {
    const file = await open(await small())
    const read = () => file.tensor('/layers/whole')?.read()
    expect(read).toThrow(expect.objectContaining({ code: 'model_unsupported' }))
    expect(read).toThrow(/\/layers\/whole, received HDF5 class 0 of 4 bytes/)
    file.close()
  })

  it('refuses a text where a list should be, and a list where a text should be', async () => {
    const file = await open(await small())
    for (const read of [
      () => file.texts('/', 'model_config'),
      () => file.text('/layers', 'layer_names'),
    ]) {
      expect(read).toThrow(expect.objectContaining({ code: 'model_invalid' }))
    }
    file.close()
  })

  it.each([
    ['nothing', (bytes: Uint8Array) => bytes.subarray(0, 0), /signature not found/],
    ['half of a file', (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2), /truncated/],
    ['something else', () => Buffer.from('PK\u0003\u0004'.repeat(99)), /signature not found/],
  ])('says of %s what HDF5 says', async (_what, spoil, reason) => {
    const bytes = spoil(await small())
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(reason),
    })
  })

  it('ends with a word about every file with a flipped byte, and reads a whole one after it', async () => {
    const bytes = await small()
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Uint8Array.from(bytes)
      flipped[at]! ^= 0x5a
      try {
        const file = await open(flipped)
        for (const name of file.members('/layers')) file.tensor(`/layers/${name}`)?.read()
        file.texts('/layers', 'layer_names')
        file.close()
      } catch (error) {
        expect(error).toMatchObject({
          code: expect.stringMatching(/^model_(invalid|unsupported)$/),
        })
      }
    }
    const file = await open(bytes)
    expect(file.tensor('/layers/dense/kernel')?.read()).toEqual(kernel)
    file.close()
  })
})
