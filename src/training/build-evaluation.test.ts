import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { drawMatrix } from '../../test/support/drawn-rows.ts'
import { createRandom } from '../learn/random.ts'
import { buildEvaluation, compareModels, type EvaluationInput } from './build-evaluation.ts'

const PHOTO = fileURLToPath(new URL('../../test/fixtures/photos/grey.png', import.meta.url))
const HEAD = { temperature: 2, unsureBelow: 0.4, unknownAbove: 1 }
const MODEL = { name: 'fruits/v1', bundle: 'b', backbone: 'lite0', views: '224 px' }

/** Answers that are often right; one photo in ten has a label that the model does not know. */
function draw(count: number, k: number, seed = 1): EvaluationInput {
  const random = createRandom(seed)
  const logits = drawMatrix(random, count, k).map((value) => 2 * value)
  const photos = Array.from({ length: count }, (_, row) => {
    const actual = row % 10 === 9 ? -1 : random.integer(k)
    if (actual >= 0) logits[row * k + actual] = (logits[row * k + actual] ?? 0) + 1.5
    return { path: `${row}.png`, load: '/nowhere', actual }
  })
  return {
    model: MODEL,
    dataset: { name: 'd', id: 'i', photos: count, choice: 'all', cautions: [] },
    labels: Array.from({ length: k }, (_, label) => `label ${label}`),
    photos,
    logits,
    distances: Float64Array.from({ length: count }, () => 1.2 * random.next()),
    head: HEAD,
  }
}

describe('the report of an evaluation', () => {
  it.each([
    [1, 2],
    [40, 2],
    [300, 7],
    [900, 40],
  ])('adds up: %d photos, %d labels', async (count, k) => {
    const input = draw(count, k)
    const report = await buildEvaluation(input)
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
    expect(sum(Object.values(report.decisions))).toBe(count)
    expect(sum(report.confusion.map((cell) => cell.count))).toBe(count)
    const right = sum(report.confusion.filter((c) => c.actual === c.predicted).map((c) => c.count))
    expect(report.accuracy.value).toBeCloseTo(right / count, 12)
    expect(report.accuracy.low).toBeLessThanOrEqual(report.accuracy.value)
    expect(report.accuracy.high).toBeGreaterThanOrEqual(report.accuracy.value)
    expect(report.topK.accuracy).toBeGreaterThanOrEqual(report.accuracy.value)
    expect(report.topK.k).toBe(Math.min(5, k))
    for (const bins of [report.calibration.bins, report.calibration.binsBefore]) {
      expect(sum(bins.map((bin) => bin.count))).toBe(count)
    }
    expect(sum(report.perLabel.map(({ photos }) => photos))).toBe(
      input.photos.filter(({ actual }) => actual >= 0).length,
    )
    expect(report.perLabel.map(({ label }) => label)).toEqual(input.labels)
    expect(report.rejection.at(-1)).toMatchObject({ coverage: 1 })
    expect(report.rejection.at(-1)?.accuracy).toBeCloseTo(right / count, 12)
  })

  it('has indices that point where they should', async () => {
    const input = draw(700, 30)
    const { labels, photos, confusion, confidentErrors } = await buildEvaluation(input)
    expect(photos.length).toBeLessThanOrEqual(600)
    expect(new Set(photos.map(({ path }) => path)).size).toBe(photos.length)
    for (const { actual, predicted, score } of photos) {
      expect(actual).toBeGreaterThanOrEqual(-1)
      expect(actual).toBeLessThan(labels.length)
      expect(labels[predicted]).toBeDefined()
      expect(score).toBeGreaterThan(0)
      expect(score).toBeLessThanOrEqual(1)
    }
    for (const cell of confusion) {
      expect(cell.photos.length).toBeLessThanOrEqual(Math.min(12, cell.count))
      for (const place of cell.photos) {
        expect(photos[place]).toMatchObject({ actual: cell.actual, predicted: cell.predicted })
      }
    }
    const scores = confidentErrors.map((place) => photos[place]?.score ?? -1)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    expect(scores.length).toBeGreaterThan(0)
    for (const place of confidentErrors) {
      expect(photos[place]?.actual).not.toBe(photos[place]?.predicted)
    }
  })

  it('counts photos of labels that the model does not know as wrong, and as no label’s', async () => {
    const input = draw(20, 3)
    const unknown = { ...input, photos: input.photos.map((photo) => ({ ...photo, actual: -1 })) }
    await expect(buildEvaluation(unknown)).rejects.toThrow(RangeError)
    const [first, ...rest] = unknown.photos
    if (first === undefined) throw new Error('no photo')
    const report = await buildEvaluation({ ...input, photos: [{ ...first, actual: 1 }, ...rest] })
    expect(report.accuracy.value).toBeLessThanOrEqual(1 / 20)
    expect(report.perLabel.map(({ photos }) => photos)).toEqual([0, 1, 0])
    expect(report.confusion.filter(({ actual }) => actual === -1)).not.toEqual([])
  })

  it('decides by thresholds, or by scores alone where no distance was fitted', async () => {
    const input = draw(60, 3)
    const strict = { ...HEAD, unsureBelow: 2, unknownAbove: -1 }
    const decide = async (changes: Partial<EvaluationInput>) =>
      (await buildEvaluation({ ...input, ...changes })).decisions
    expect(await decide({ head: strict })).toEqual({ ok: 0, unsure: 0, unknown: 60 })
    expect(await decide({ head: strict, distances: undefined })).toEqual({
      ok: 0,
      unsure: 60,
      unknown: 0,
    })
    expect(await decide({ head: { ...HEAD, unsureBelow: 0, unknownAbove: 9 } })).toEqual({
      ok: 60,
      unsure: 0,
      unknown: 0,
    })
  })

  it('shows pictures where there are some, however they are loaded', async () => {
    const input = draw(4, 2)
    const loads = [
      PHOTO,
      async () => new Uint8Array(3),
      () => Promise.reject(new Error('gone')),
      '/',
    ]
    const photos = input.photos.map((photo, row) => ({ ...photo, load: loads[row] ?? '' }))
    const report = await buildEvaluation({ ...input, photos })
    const shown = new Map(report.photos.map(({ path, thumbnail }) => [path, thumbnail]))
    expect(shown.get('0.png')).toMatch(/^data:image\/jpeg;base64,/)
    expect([...shown.values()].filter((thumbnail) => thumbnail !== undefined)).toHaveLength(1)
  })

  it('survives JSON: no number is lost', async () => {
    const report = await buildEvaluation(draw(50, 4))
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('gives the same figures for the same answers', async () => {
    const [once, again] = await Promise.all([1, 2].map(() => buildEvaluation(draw(80, 5))))
    expect({ ...again, createdAt: '' }).toEqual({ ...once, createdAt: '' })
  })
})

describe('two models on the same photos', () => {
  const truth = Int32Array.of(0, 0, 1, 1, 2, -1)
  const one = Uint8Array.of(1, 1, 0, 1, 0, 0)
  const other = Uint8Array.of(1, 0, 1, 0, 0, 0)
  const comparison = compareModels(MODEL, truth, ['a', 'b', 'c', 'd'], one, other)

  it('are counted once for each photo', () => {
    expect(comparison).toMatchObject({
      bothRight: 1,
      onlyThisRight: 2,
      onlyOtherRight: 1,
      bothWrong: 2,
      otherAccuracy: { value: 2 / 6 },
    })
    expect(comparison.pValue).toBe(1)
  })

  it('are compared by label, the largest change first, without labels that no photo has', () => {
    expect(comparison.perLabel).toEqual([
      { label: 'a', photos: 2, recall: 1, otherRecall: 0.5 },
      { label: 'b', photos: 2, recall: 0.5, otherRecall: 0.5 },
      { label: 'c', photos: 1, recall: 0, otherRecall: 0 },
    ])
  })

  it('show the photos that one alone has right, and how surely both answer', async () => {
    const input = draw(80, 3)
    const theirs = draw(80, 3, 2)
    // The other has no first label and knows the others in reverse.
    const labels = ['label 2', 'label 1']
    const actual = Int32Array.from(input.photos, ({ actual }) =>
      labels.indexOf(input.labels[actual] ?? ''),
    )
    const { photos, comparison, accuracy } = await buildEvaluation({
      ...input,
      other: {
        ...{ model: MODEL, labels, actual, head: { ...HEAD, unknownAbove: -1 } },
        ...{ logits: theirs.logits.slice(0, 160), distances: theirs.distances },
      },
    })
    if (comparison === undefined) throw new Error('no comparison')
    const { gained, lost, bothRight, onlyThisRight, onlyOtherRight } = comparison
    expect([gained.length, lost.length]).toEqual(
      [onlyThisRight, onlyOtherRight].map((count) => Math.min(24, count)),
    )
    expect(bothRight + onlyThisRight).toBe(Math.round(80 * accuracy.value))
    for (const { photo, otherPredicted, otherScore } of gained) {
      const { actual, predicted } = photos[photo] ?? {}
      expect(predicted).toBe(actual)
      expect(labels).toContain(otherPredicted)
      expect(otherPredicted).not.toBe(input.labels[actual ?? -1])
      expect(otherScore).toBeGreaterThanOrEqual(0.5)
    }
    for (const { photo, otherPredicted } of lost) {
      const { actual, predicted } = photos[photo] ?? {}
      expect(predicted).not.toBe(actual)
      expect(otherPredicted).toBe(input.labels[actual ?? -1])
    }
    const scores = gained.map(({ photo }) => photos[photo]?.score ?? 0)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    expect(comparison.otherDecisions).toEqual({ ok: 0, unsure: 0, unknown: 80 })
    expect(comparison.otherRejection.at(-1)?.accuracy).toBeCloseTo(
      comparison.otherAccuracy.value,
      12,
    )
  })
})
