/** Entry of the thread that makes and measures a backbone in 8 bit. */
import { readFileSync } from 'node:fs'
import { VergerError } from '../core/errors.ts'
import { decodePhoto } from '../images/decode.ts'
import { serveComputation } from '../tensor/compute-thread.ts'
import { INPUT, type NetworkInput, toChannels } from '../tensor/network.ts'
import { inferShapes } from '../tensor/network-shapes.ts'
import { convInputs, Observer, type ValueRange } from '../tensor/quantize.ts'
import { loadSession, type Session } from '../tensor/session.ts'
import { encodeInferenceGraph, readWeights } from './inference-graph.ts'
import type {
  PhotoFile,
  QuantizationFigures,
  QuantizeResult,
  QuantizeTask,
} from './quantize-backbone.ts'
import { encodeObservationGraph, encodeQuantizedGraph } from './quantized-graph.ts'

type Pixels = Parameters<Session['run']>[0]

await serveComputation(
  async (
    { modelPath, network, observe, judge, maxPixels }: QuantizeTask,
    report: (report: Record<string, never>) => void,
  ): Promise<QuantizeResult> => {
    const weights = readWeights(readFileSync(modelPath))
    const { size } = network.input
    async function* decode(photos: readonly PhotoFile[]): AsyncGenerator<Pixels> {
      for (const photo of photos) {
        report({})
        try {
          const bytes = typeof photo === 'string' ? readFileSync(photo) : photo
          const { data, width, height } = await decodePhoto(bytes, { size, maxPixels })
          yield { data, dims: [1, height, width, 3] }
        } catch {
          // A photo that cannot be read has been said already; the others are enough.
        }
      }
    }

    const shapes = inferShapes(network)
    const channels = convInputs(network).map((id) =>
      id === INPUT ? 3 : (shapes[id]?.channels ?? 0),
    )
    const observer = new Observer(network, channels)
    const observing = await loadSession(encodeObservationGraph(network, weights))
    for await (const pixels of decode(observe)) {
      const { ranges, means } = await observing.run(pixels, ['ranges', 'means'])
      if (ranges !== undefined && means !== undefined) observer.add(ranges, means)
    }
    await observing.close()
    if (observer.photos === 0) throw nothingRead()
    const observed = observer.finish(inputRange(network.input))

    const model = encodeQuantizedGraph(network, weights, observed)
    const exact = await loadSession(encodeInferenceGraph(network, weights))
    const rounded = await loadSession(model)
    const figures = await compareSessions(exact, rounded, decode(judge))
    await exact.close()
    await rounded.close()
    return { model, observed, figures }
  },
)

/** What the levels 0 to 255 become. */
function inputRange({ mean, divisor }: NetworkInput): ValueRange {
  const [means, divisors] = [toChannels(mean), toChannels(divisor)]
  const ends = [0, 255].flatMap((level) =>
    means.map((each, i) => (level - each) / (divisors[i] ?? 1)),
  )
  return { min: Math.min(...ends), max: Math.max(...ends) }
}

async function compareSessions(
  exact: Session,
  rounded: Session,
  photos: AsyncIterable<Pixels>,
): Promise<QuantizationFigures> {
  const cosines: number[] = []
  const times: { exact: number; rounded: number }[] = []
  const run = async (session: Session, pixels: Pixels) => {
    const start = performance.now()
    const { features } = await session.run(pixels, ['features'])
    return { features: features ?? new Float32Array(), elapsedMs: performance.now() - start }
  }
  for await (const pixels of photos) {
    const [a, b] = [await run(exact, pixels), await run(rounded, pixels)]
    cosines.push(cosineOf(a.features, b.features))
    times.push({ exact: a.elapsedMs, rounded: b.elapsedMs })
  }
  if (cosines.length === 0) {
    throw nothingRead()
  }
  // The first photo finds kernels that were never run.
  const counted = times.length > 1 ? times.slice(1) : times
  return {
    photos: cosines.length,
    worstCosine: Math.min(...cosines),
    meanCosine: cosines.reduce((sum, each) => sum + each, 0) / cosines.length,
    speedUp:
      median(counted.map((each) => each.exact)) / median(counted.map((each) => each.rounded)),
  }
}

function nothingRead(): VergerError {
  return new VergerError(
    'dataset_untrainable',
    'Expected photos to fit 8 bit to, could read none',
    {
      hint: 'verger datasets check names the photos that are broken, and why.',
    },
  )
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let [product, left, right] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? 0
    product += value * other
    left += value * value
    right += other * other
  }
  // Two photos of nothing look the same.
  return left === right && left === 0 ? 1 : product / Math.sqrt(left * right || 1)
}

function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b)
  return ascending[Math.floor(ascending.length / 2)] ?? 0
}
