/** Architectures that Keras has too: its weights, read by Verger, give its numbers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findArchitecture } from '../../dist/backbones/architectures.js'
import { withFeatures } from '../../dist/backbones/inner-features.js'
import { readKerasWeights } from '../../dist/backbones/readers/keras/keras-weights.js'
import { encodeInferenceGraph } from '../../dist/features/inference-graph.js'
import { decodePhoto } from '../../dist/images/decode.js'
import { emitPreprocessing } from '../../dist/images/preprocess-graph.js'
import { createGraphBuilder } from '../../dist/tensor/graph-builder.js'
import type { Network, NetworkInput } from '../../dist/tensor/network.js'
import { loadSession } from '../../dist/tensor/session.js'
import type { Weights } from '../../dist/tensor/tensor.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from '../contract/datasets.ts'
import { runPython } from './python.ts'

const PHOTOS = 12
/** Largest difference beside the largest number of a photo's output. */
const TOLERANCE = 1e-4
/** For levels of 0 to 255 that were scaled to −1 to 1. */
const LEVEL = 1 / 127.5
/**
 * Share of levels that may differ by two: Pillow computes with weights of 22 bits, so that two neighbours that both end within a
 * ten-thousandth of a half are sometimes rounded the other way together.
 */
const BEYOND_A_LEVEL = 1e-6

const CASES = [
  { id: 'mobilenet-v2', layer: 'block13/expand', keras: 'block_13_expand_relu' },
  { id: 'inception-v3', layer: 'mixed7', keras: 'mixed7' },
] as const
const FILES = ['weights.h5', 'model.h5', 'weights3.h5', 'model.keras'] as const

const floats = (path: string): Float32Array => {
  const { buffer, byteOffset, length } = readFileSync(path)
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length))
}

describe.skipIf(!hasDatasets('grocery-store'))(`networks of Keras ${NEEDS_DATASETS}`, () => {
  describe.each(CASES)('$id', ({ id, layer, keras }) => {
    const architecture = findArchitecture(id)
    const folder = mkdtempSync(join(tmpdir(), `verger-${id}-`))
    const photos = sample(findJpegs('grocery-store/val'), PHOTOS)
    const { size } = architecture
    const pixelsOf = (photo: number) => {
      const sizeBytes = size * size * 3
      return readFileSync(join(folder, 'pixels.u8')).subarray(
        photo * sizeBytes,
        (photo + 1) * sizeBytes,
      )
    }
    beforeAll(() => runPython('keras_applications.py', [id, folder, keras, ...photos]))
    afterAll(() => rmSync(folder, { recursive: true }))

    /** The largest difference from what Keras left in a file, beside the largest number of the photo. */
    async function differences(network: Network, weights: Weights, output: string, file: string) {
      const session = await loadSession(encodeInferenceGraph(network, weights))
      const expected = floats(join(folder, file))
      const width = expected.length / photos.length
      expect(network.outputs[output]?.width).toBe(width)
      let largest = 0
      for (const photo of photos.keys()) {
        const image = { data: pixelsOf(photo), dims: [1, size, size, 3] }
        const received = (await session.run(image, [output]))[output] ?? []
        const row = expected.subarray(photo * width, (photo + 1) * width)
        largest = Math.max(largest, relativeDifference(received, row))
      }
      await session.close()
      return largest
    }

    it.each(FILES)('gives the features and logits of Keras: %s', async (file) => {
      const { network, weights, notes } = await readKerasWeights(join(folder, file), architecture)
      expect(notes).toEqual([])
      for (const output of ['features', 'logits']) {
        expect(await differences(network, weights, output, `${output}.f32`)).toBeLessThan(TOLERANCE)
      }
    })

    it('gives the features of a file without top', async () => {
      const file = join(folder, 'no-top.h5')
      const { network, weights, notes } = await readKerasWeights(file, architecture)
      expect(Object.keys(network.outputs)).toEqual(['features'])
      expect(notes).toHaveLength(1)
      expect(await differences(network, weights, 'features', 'features.f32')).toBeLessThan(
        TOLERANCE,
      )
    })

    it(`gives the mean over ${layer}, which Keras calls ${keras}`, async () => {
      const read = await readKerasWeights(join(folder, 'model.keras'), architecture)
      const inner = withFeatures(read.network, layer)
      expect(await differences(inner, read.weights, 'features', 'inner.f32')).toBeLessThan(
        TOLERANCE,
      )
    })

    it('sees the pixels of Pillow and preprocess_input: a level apart at most', async () => {
      const { input } = architecture.describe(size, 1000)
      const preprocess = await createPreprocessing(input)
      const expected = floats(join(folder, 'input.f32'))
      let beyond = 0
      let largest = 0
      for (const [index, photo] of photos.entries()) {
        const pixels = await decodePhoto(await readFile(photo), { size, maxPixels: 1e8 })
        const received = await preprocess(pixels)
        const part = expected.subarray(index * received.length, (index + 1) * received.length)
        for (let position = 0; position < size * size; position++) {
          for (let channel = 0; channel < 3; channel++) {
            const ours = received[channel * size * size + position] ?? Number.NaN
            const levels = Math.abs(ours - (part[position * 3 + channel] ?? Number.NaN)) / LEVEL
            if (!(levels < 1.01)) beyond++
            largest = Math.max(largest, levels)
          }
        }
      }
      expect(largest).toBeLessThan(2.01)
      expect(beyond / expected.length).toBeLessThanOrEqual(BEYOND_A_LEVEL)
    })

    it('names the first tensor that does not fit where the file is of another architecture', async () => {
      const other = findArchitecture(CASES.find((each) => each.id !== id)?.id ?? '')
      const first =
        id === 'inception-v3'
          ? /the kernel of \S+ of mobilenet-v2 with shape \[3, 3, 32, 1\], received \S+kernel of shape \[3, 3, 32, 32\]/
          : /the kernel of stem2 of inception-v3 with shape \[3, 3, 32, 32\], received \S+kernel of shape \[3, 3, 32, 1\]/
      await expect(readKerasWeights(join(folder, 'weights.h5'), other)).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringMatching(first),
      })
    })
  })
})

async function createPreprocessing(input: NetworkInput) {
  const { size } = input
  const graph = createGraphBuilder('preprocessing')
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  graph.output('levels', emitPreprocessing(graph, image, input), 'float32', ['n', 3, size, size])
  const session = await loadSession(graph.encode())
  return async ({ data, height, width }: { data: Uint8Array; height: number; width: number }) => {
    const { levels = new Float32Array() } = await session.run(
      { data, dims: [1, height, width, 3] },
      ['levels'],
    )
    return levels
  }
}

function relativeDifference(received: ArrayLike<number>, expected: Float32Array): number {
  expect(received.length).toBe(expected.length)
  const size = Math.max(...expected.map(Math.abs))
  const difference = expected.reduce(
    (largest, value, at) => Math.max(largest, Math.abs(value - (received[at] ?? Number.NaN))),
    0,
  )
  return difference / size
}
