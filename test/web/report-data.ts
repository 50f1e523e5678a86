/** Reports of invented classifiers whose figures agree with each other, the same at every run. */
import sharp from 'sharp'
import type {
  ChangedPhoto,
  Comparison,
  ConfusionCell,
  DatasetReport,
  EvaluationReport,
  Interval,
  LabelFigures,
  PreviewReport,
  ReliabilityBin,
  ReportPhoto,
  TuningReport,
} from '../../src/training/report.ts'

type Random = () => number

/** Numbers in 0 to 1 from a seed (mulberry32, public domain). */
function createRandom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A drawn fruit as the `data:` URL of a JPEG; its colour follows from the label. */
async function drawThumbnail(label: number, random: Random): Promise<string> {
  const hue = Math.round((label * 137.5 + random() * 14) % 360)
  const size = 26 + random() * 14
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="${random() < 0.3 ? 72 : 96}">
    <rect width="96" height="96" fill="hsl(${Math.round(random() * 360)} 22% ${40 + random() * 45}%)"/>
    <ellipse cx="${40 + random() * 16}" cy="${40 + random() * 12}" rx="${size}" ry="${size * (0.7 + random() * 0.4)}" fill="hsl(${hue} 65% 48%)"/>
    <circle cx="${34 + random() * 12}" cy="32" r="6" fill="hsl(${hue} 70% 75%)"/></svg>`
  const jpeg = await sharp(Buffer.from(svg)).jpeg({ quality: 70 }).toBuffer()
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`
}

/** Wilson's score interval of `right` in `total`. */
function wilson(right: number, total: number): Interval {
  const z = 1.96
  const value = total === 0 ? 0 : right / total
  const centre = (value + z ** 2 / (2 * total)) / (1 + z ** 2 / total)
  const spread =
    (z / (1 + z ** 2 / total)) *
    Math.sqrt((value * (1 - value)) / total + z ** 2 / (4 * total ** 2))
  return { value, low: Math.max(0, centre - spread), high: Math.min(1, centre + spread) }
}

interface Answer {
  readonly path: string
  readonly actual: number
  readonly predicted: number
  readonly score: number
}

const BINS = 15

function binsOf(answers: readonly Answer[]): ReliabilityBin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const inside = answers.filter(
      ({ score }) => Math.min(BINS - 1, Math.floor(score * BINS)) === bin,
    )
    const right = inside.filter(({ actual, predicted }) => actual === predicted).length
    const sum = inside.reduce((total, { score }) => total + score, 0)
    return {
      from: bin / BINS,
      to: (bin + 1) / BINS,
      count: inside.length,
      meanScore: inside.length === 0 ? 0 : sum / inside.length,
      accuracy: inside.length === 0 ? 0 : right / inside.length,
    }
  })
}

/** Expected calibration error of the bins, with an interval of invented width. */
function calibrationError(bins: readonly ReliabilityBin[]): Interval {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const value = bins.reduce(
    (sum, { count, meanScore, accuracy }) => sum + (count / total) * Math.abs(meanScore - accuracy),
    0,
  )
  return { value, low: value * 0.8, high: value * 1.25 + 0.002 }
}

function labelFigures(labels: readonly string[], answers: readonly Answer[]): LabelFigures[] {
  return labels.map((label, index) => {
    const photos = answers.filter(({ actual }) => actual === index)
    const said = answers.filter(({ predicted }) => predicted === index)
    const right = photos.filter(({ predicted }) => predicted === index).length
    const precision = said.length === 0 ? 0 : right / said.length
    const recall = photos.length === 0 ? 0 : right / photos.length
    const f1 = right === 0 ? 0 : (2 * precision * recall) / (precision + recall)
    return { label, photos: photos.length, precision, recall, f1 }
  })
}

interface EvaluationOptions {
  readonly labels: readonly string[]
  readonly photosPerLabel: number
  /** Share of wrong answers, 0 to 0.4. */
  readonly errorRate: number
  readonly hasComparison?: boolean
  readonly hasThumbnails?: boolean
  readonly tuning?: TuningReport
}

/** Wrong answers fall mostly on the next two labels, as among kinds of apples. */
export async function createEvaluation(options: EvaluationOptions): Promise<EvaluationReport> {
  const { labels, photosPerLabel, errorRate, hasThumbnails = true } = options
  const random = createRandom(labels.length)
  const answers = labels.flatMap((label, actual) =>
    Array.from({ length: Math.ceil(photosPerLabel * (0.5 + random())) }, (_, photo): Answer => {
      // A score of 0.8 is right in 80 % of its photos; every third label is harder.
      const doubt = Math.min(0.75, errorRate * (actual % 3 === 0 ? 6 : 1.5) * random() ** 2)
      const isWrong = random() < doubt
      const step = random() < 0.8 ? 1 : Math.ceil(random() * (labels.length - 1))
      const predicted = isWrong ? (actual + step) % labels.length : actual
      const score = 1 - doubt - random() * 0.01
      return { path: `${label}/${label}_${photo + 1}.jpg`, actual, predicted, score }
    }),
  )
  const wrong = answers.filter(({ actual, predicted }) => actual !== predicted)
  const places = new Map<string, Answer[]>()
  for (const answer of answers) {
    const place = `${answer.actual} ${answer.predicted}`
    places.set(place, [...(places.get(place) ?? []), answer])
  }
  const shown = new Map<Answer, number>()
  const confusion: ConfusionCell[] = []
  for (const group of places.values()) {
    const [{ actual, predicted } = { actual: 0, predicted: 0 }] = group
    const photos = group.slice(0, 12).map((answer) => {
      if (!shown.has(answer)) shown.set(answer, shown.size)
      return shown.get(answer) ?? 0
    })
    confusion.push({ actual, predicted, count: group.length, photos })
  }
  const surest = wrong.toSorted((a, b) => b.score - a.score).slice(0, 40)
  for (const answer of surest) if (!shown.has(answer)) shown.set(answer, shown.size)
  const drawings = await Promise.all(labels.map((_, label) => drawThumbnail(label, random)))
  const photos = [...shown.keys()].map((answer, index): ReportPhoto => {
    const thumbnail = drawings[answer.actual]
    const decision = answer.score > 0.6 ? 'ok' : answer.score > 0.4 ? 'unsure' : 'unknown'
    // Here and there a picture could not be made.
    const isDrawn = hasThumbnails && index % 17 !== 5 && thumbnail !== undefined
    return { ...answer, decision, ...(isDrawn ? { thumbnail } : {}) }
  })
  const sorted = answers.toSorted((a, b) => b.score - a.score)
  const figures = labelFigures(labels, answers)
  const tooSure = answers.map((answer) => ({ ...answer, score: answer.score ** 0.5 }))
  const [bins, binsBefore] = [binsOf(answers), binsOf(tooSure)]
  const right = answers.length - wrong.length
  const decided = (from: number, to: number) =>
    answers.filter(({ score }) => score > from && score <= to).length

  return {
    kind: 'evaluation',
    format: 1,
    vergerVersion: '0.1.0',
    createdAt: '2026-11-22T08:47:34.000Z',
    model: {
      name: 'fruits/v2',
      bundle: 'b3f1c2d4e5a697887766554433221100ffeeddccbbaa99887766554433221100',
      backbone: 'efficientnet-lite0',
      views: '224 px, mirrored',
    },
    dataset: {
      name: 'market-stall',
      id: '9f2c41d07a5e',
      photos: answers.length,
      choice: 'the validation side (20 %) of a split by group, seed 1',
      cautions:
        labels.length === 2
          ? []
          : ['12 of these photos are near duplicates of photos that the model was trained on.'],
    },
    labels,
    accuracy: wilson(right, answers.length),
    macroF1: figures.reduce((sum, { f1 }) => sum + f1, 0) / labels.length,
    topK: { k: Math.min(5, labels.length), accuracy: 1 - (wrong.length / answers.length) * 0.3 },
    calibration: {
      temperature: 1.834,
      eceBefore: calibrationError(binsBefore),
      eceAfter: calibrationError(bins),
      bins,
      binsBefore,
    },
    rejection: Array.from({ length: 100 }, (_, step) => {
      const kept = sorted.slice(0, Math.ceil(((step + 1) / 100) * sorted.length))
      const keptRight = kept.filter(({ actual, predicted }) => actual === predicted).length
      return {
        coverage: kept.length / sorted.length,
        accuracy: keptRight / kept.length,
        threshold: kept.at(-1)?.score ?? 0,
      }
    }),
    decisions: { ok: decided(0.6, 1), unsure: decided(0.4, 0.6), unknown: decided(-1, 0.4) },
    perLabel: figures,
    confusion,
    photos,
    confidentErrors: surest.map((answer) => shown.get(answer) ?? 0),
    ...(options.hasComparison === true
      ? { comparison: compare(figures, answers, shown, random) }
      : {}),
    training: {
      photos: answers.length * 4,
      seed: 1,
      scaling: 'unit',
      l2: 0.001,
      tried: [
        // Compared on fewer photos before the others.
        { scaling: 'unit', l2: 0.001, accuracy: 0.87, loss: 0.43 },
        ...['standard', 'unit'].flatMap((scaling) =>
          [0.0001, 0.001, 0.01].map((l2, index) => ({
            scaling,
            l2,
            accuracy: (scaling === 'unit' ? 0.88 : 0.86) - Math.abs(index - 1) * 0.01,
            loss: 0.41 + Math.abs(index - 1) * 0.05,
          })),
        ),
      ],
      notes: ['38 near duplicates were kept on one side; split at random they would have leaked.'],
      ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
    },
  }
}

/** The first photos that are shown and meet a condition, of which another model said the last label. */
const changedPhotos = (
  figures: readonly LabelFigures[],
  shown: ReadonlyMap<Answer, number>,
  isMeant: (answer: Answer) => boolean,
): ChangedPhoto[] =>
  [...shown]
    .filter(([answer]) => isMeant(answer))
    .slice(0, 14)
    .map(([, photo]) => ({
      ...{ photo, otherPredicted: figures.at(-1)?.label ?? '', otherScore: 0.62 },
    }))

/** An earlier version that was worse at every third label. */
function compare(
  figures: readonly LabelFigures[],
  answers: readonly Answer[],
  shown: ReadonlyMap<Answer, number>,
  random: Random,
): Comparison {
  const right = answers.filter(({ actual, predicted }) => actual === predicted).length
  const onlyThisRight = Math.round(right * 0.06)
  const onlyOtherRight = Math.round(Math.min(right * 0.02, answers.length - right))
  const bothRight = right - onlyThisRight
  return {
    other: {
      name: 'fruits/v1',
      bundle: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
      backbone: 'efficientnet-lite0',
      views: '224 px',
    },
    otherAccuracy: wilson(bothRight + onlyOtherRight, answers.length),
    bothRight,
    onlyThisRight,
    onlyOtherRight,
    bothWrong: answers.length - right - onlyOtherRight,
    pValue: 0.00042,
    otherCalibration: {
      temperature: 1.2,
      eceBefore: { value: 0.08, low: 0.06, high: 0.1 },
      eceAfter: { value: 0.04, low: 0.03, high: 0.05 },
    },
    otherRejection: [1, 2, 3, 4].map((step) => ({
      ...{ coverage: step / 4, accuracy: 0.95 - step / 20, threshold: 1 - step / 5 },
    })),
    otherDecisions: { ok: answers.length - 9, unsure: 5, unknown: 4 },
    gained: changedPhotos(figures, shown, (answer) => answer.actual === answer.predicted),
    lost: changedPhotos(figures, shown, (answer) => answer.actual !== answer.predicted),
    perLabel: figures
      .map(({ label, photos, recall }, index) => {
        const change = (index % 3 === 0 ? -0.25 : 0.08) * random()
        return { label, photos, recall, otherRecall: Math.min(1, Math.max(0, recall + change)) }
      })
      .toSorted((a, b) => Math.abs(b.recall - b.otherRecall) - Math.abs(a.recall - a.otherRecall)),
  }
}

export const FRUITS = [
  'apple',
  'banana',
  'cherry',
  'grape',
  'lemon',
  'orange',
  'pear',
  'quince',
  'strawberry',
] as const

/** Names as people give their folders. */
export const MARKET = Array.from({ length: 81 }, (_, index) => {
  const kind = FRUITS[index % FRUITS.length] ?? ''
  const sort = [
    'Golden-Delicious',
    'Royal-Gala',
    'Bio',
    'Arla-Ecological-Medium-Fat',
    'Red',
    'Conference',
    'Dole',
    'Granny_Smith',
    'Large',
  ][Math.floor(index / FRUITS.length)]
  return `${kind}-${sort}`
})

/** Labels that break pages. */
export const NASTY_LABELS = [
  '</script><img src=x onerror="alert(1)">',
  '<b>bold</b> & "quoted" \'twice\'',
  '\u202eright to left',
  'a-label-without-any-place-to-break-it-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on',
  'poire 🍐 à l’été',
  '__proto__',
] as const

/** A dataset with findings of every kind. */
export async function createDatasetCheck(labels: readonly string[]): Promise<DatasetReport> {
  const random = createRandom(7)
  const draw = (label: number) => drawThumbnail(label, random)
  const photo = async (label: number, name: string) => ({
    path: `${labels[label]}/${name}.jpg`,
    label: labels[label] ?? '',
    thumbnail: await draw(label),
  })
  const [first, second] = [labels[0] ?? '', labels[1] ?? '']
  const same = await draw(0)
  const nearDuplicates = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => ({
      kind: 'near-duplicate' as const,
      message: `Two photos of ${labels[index % labels.length]} are nearly the same picture (cosine 0.9${index + 10}).`,
      photos: [
        await photo(index % labels.length, `IMG_${index}`),
        await photo(index % labels.length, `IMG_${index}_copy`),
      ],
    })),
  )
  return {
    kind: 'dataset',
    format: 1,
    vergerVersion: '0.1.0',
    createdAt: '2026-11-22T08:47:34.000Z',
    dataset: { name: 'market-stall', id: '9f2c41d07a5e', photos: 10720, sizeBytes: 96_400_000 },
    labels: await Promise.all(
      labels.map(async (label, index) => ({
        label,
        photos: 3 + Math.round(random() * 200),
        thumbnails: await Promise.all([0, 1, 2, 3].map(() => draw(index))),
      })),
    ),
    findings: [
      {
        kind: 'broken',
        message: 'Expected a whole JPEG photo, received one that ends after 1,024 bytes.',
        photos: [{ path: `${first}/truncated.jpg`, label: first }],
      },
      {
        kind: 'two-labels',
        message: `The same photo stands under ${first} and ${second}.`,
        photos: [
          { path: `${first}/a.jpg`, label: first, thumbnail: same },
          { path: `${second}/a.jpg`, label: second, thumbnail: same },
        ],
      },
      {
        kind: 'probably-wrong-label',
        message: `Stands under ${first}, looks like ${second} (97 %).`,
        photos: [{ ...(await photo(1, 'wrong')), label: first }],
      },
      {
        kind: 'exact-duplicate',
        message: `30 photos of ${first} have the same bytes.`,
        photos: Array.from({ length: 30 }, (_, index) => ({
          path: `${first}/same_${index}.jpg`,
          label: first,
          thumbnail: same,
        })),
      },
      ...nearDuplicates,
      { kind: 'few-photos', message: `${second} has 3 photos; 10 is the least.`, photos: [] },
      {
        kind: 'colliding-labels',
        message: `${first} and ${first.toUpperCase()} differ in case only.`,
        photos: [],
      },
    ],
  }
}

/** A preview with a row for each label. */
export async function createPreview(labels: readonly string[]): Promise<PreviewReport> {
  const random = createRandom(3)
  const drawAll = (label: number, count: number) =>
    Promise.all(Array.from({ length: count }, () => drawThumbnail(label, random)))
  return {
    kind: 'preview',
    format: 1,
    vergerVersion: '0.1.0',
    createdAt: '2026-11-22T08:47:34.000Z',
    dataset: { name: 'market-stall', photos: 960, labels: labels.length },
    ...{ backbone: 'efficientnet-lite0', seed: 1, size: 224 },
    rows: await Promise.all(
      labels.map(async (label, index) => {
        const [original = '', ...epochs] = await drawAll(index, 8)
        return { label, path: `${label}/IMG_1.jpg`, original, epochs }
      }),
    ),
  }
}

/** A fine-tuning of so many epochs that gets better, and from the fourth one on learns by heart. */
export function createTuning(epochs: number, changes: Partial<TuningReport> = {}): TuningReport {
  return {
    ...{
      backbone: 'efficientnet-lite0',
      trainFrom: 'block7',
      isRounded: true,
      size: 288,
      batchSize: 32,
    },
    ...{ photos: 612, validationPhotos: 108, epochsPlanned: 12 },
    schedule: { peak: 0.001, steps: 230, warmUpSteps: 46 },
    epochs: Array.from({ length: epochs }, (_, index) => ({
      epoch: index + 1,
      loss: 2 / (index + 1) + 0.5,
      accuracy: 1 - 0.5 / (index + 1),
      validation: { accuracy: 0.8 - 0.1 / (index + 1), loss: 0.6 + 0.05 * Math.abs(index - 3) },
    })),
    baseline: { accuracy: 0.75, loss: 0.8 },
    keptEpoch: 4,
    pace: { resumedAfter: 0, photosPerSecond: 53.4, elapsedMs: 220_000 },
    ...changes,
  }
}
