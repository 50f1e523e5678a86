import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  differenceOf,
  expectReadOrRefused,
  FIXTURE_LABELS,
  fixture,
} from '../../../../test/support/keras-fixtures.ts'
import { spoilBytes } from '../../../../test/support/spoil.ts'
import { readTflite } from './read-tflite.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-tflite-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(bytes: Uint8Array): string {
  const path = join(folder, 'spoiled.tflite')
  writeFileSync(path, bytes)
  return path
}

describe('readTflite', () => {
  it('gives the numbers of TensorFlow, with labels and scaling of the metadata', async () => {
    const model = await readTflite(fixture('separable-labels.tflite'))
    expect(model.labels).toEqual(FIXTURE_LABELS)
    expect(model.knowsScaling).toBe(true)
    expect(model.network.input).toEqual({ size: 33, mean: 127.5, divisor: 127.5 })
    expect(await differenceOf('separable-labels.tflite', model)).toBeLessThan(1e-6)
  })

  it('keeps the roundings of 8 bit', async () => {
    const model = await readTflite(fixture('nested-uint8.tflite'))
    const ops = model.network.layers.map(({ op }) => op)
    expect(ops).toContain('round')
    expect(ops.at(-1)).toBe('dense')
    expect(model.notes.join(' ')).toContain('8 bit')
    // The interpreter keeps probabilities in steps of 1/256.
    expect(await differenceOf('nested-uint8.tflite', model)).toBeLessThan(0.01)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a few zeros', Buffer.alloc(12)],
    ['another FlatBuffer', Buffer.from('\x08\0\0\0M001\0\0\0\0\0\0\0\0')],
    ['an identifier alone', Buffer.from('\x08\0\0\0TFL3')],
    [
      'a table that points before the file',
      Buffer.from('\x08\0\0\0TFL3\xff\xff\xff\x7f', 'latin1'),
    ],
    ['a table that points behind the file', Buffer.from('\xf0\xff\xff\xffTFL3\0\0\0\0', 'latin1')],
  ])('refuses %s', async (_words, bytes) => {
    await expect(readTflite(write(bytes))).rejects.toMatchObject({ code: 'model_invalid' })
  })

  it('refuses labels that are not as many as the outputs', async () => {
    const bytes = readFileSync(fixture('separable-labels.tflite')).toString('latin1')
    const spoiled = bytes.replace('apple\nbanana', 'apple,banana')
    // The checksum of the labels in the zip tells it first.
    await expect(readTflite(write(Buffer.from(spoiled, 'latin1')))).rejects.toMatchObject({
      code: 'archive_invalid',
    })
  })

  it.each(['nested-uint8.tflite', 'separable-labels.tflite'])(
    'reads or refuses what is left of %s when it is spoiled',
    async (name) => {
      const bytes = readFileSync(fixture(name))
      for (let seed = 1; seed <= 300; seed++) {
        await expectReadOrRefused(
          readTflite(write(spoilBytes(bytes, seed))),
          `${name}, seed ${seed}`,
        )
      }
    },
    60_000,
  )
})
