import { describe, expect, it } from 'vitest'
import { createGraphBuilder } from '../tensor/graph-builder.ts'
import { loadSession } from '../tensor/session.ts'
import type { Pixels } from './decode.ts'
import { emitPreprocessing } from './preprocess-graph.ts'
import { squashPixels } from './squash.ts'

/** Levels of the preprocessing graph, `[3, size, size]`. */
async function openGraph(size: number) {
  const graph = createGraphBuilder('preprocessing')
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const levels = emitPreprocessing(graph, image, { size, mean: 0, divisor: 1 })
  graph.output('levels', levels, 'float32', ['n', 3, size, size])
  const session = await loadSession(graph.encode())
  return {
    async squash({ data, width, height }: Pixels) {
      const { levels: squashed } = await session.run({ data, dims: [1, height, width, 3] }, [
        'levels',
      ])
      return squashed
    },
    close: () => session.close(),
  }
}

/** Noise: every rounding and both ends of the range occur. */
function noise(width: number, height: number): Pixels {
  let state = width * 8191 + height
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
  return { data, width, height }
}

const toChannels = ({ data, width, height }: Pixels): Uint8Array => {
  const pixels = width * height
  return data.map((_, i) => data[(i % pixels) * 3 + Math.floor(i / pixels)]!)
}

const SIDES = [1, 2, 3, 7, 100, 223, 224, 225, 299, 348, 448, 895] as const

describe.each([224, 299, 7, 2])('to %i pixels', (size) => {
  it('gives the levels of the preprocessing graph bit for bit', async () => {
    const graph = await openGraph(size)
    for (const [index, width] of SIDES.entries()) {
      for (const height of [width, SIDES[(index * 5 + 3) % SIDES.length]!]) {
        const photo = noise(width, height)
        const squashed = squashPixels(photo, size)
        expect([squashed.width, squashed.height]).toEqual([size, size])
        // Whole levels fit into bytes, and bytes are compared at once.
        const expected = Uint8Array.from((await graph.squash(photo)) ?? [])
        expect(Buffer.from(toChannels(squashed)).equals(expected)).toBe(true)
      }
    }
    await graph.close()
  })
})

it('leaves a photo of the right size alone', () => {
  const photo = noise(224, 224)
  expect(squashPixels(photo, 224)).toBe(photo)
})
