/** Measures a classifier on a dataset, alone or beside another one. */
import { findWantedBackbone } from '../backbones/portable-backbones.ts'
import { checkBackbone } from '../bundles/check-backbone.ts'
import type { Classifier } from '../bundles/classifier.ts'
import { VergerError } from '../core/errors.ts'
import { type DatasetPhoto, manifestId, type Split } from '../datasets/manifest.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import { type FeaturizeContext, featurizePhotos } from '../features/featurize-photos.ts'
import { describeViews } from '../features/views.ts'
import { buildEvaluation } from './build-evaluation.ts'
import type { EvaluationReport, ReportModel } from './report.ts'

/** A classifier and the name it goes by. */
export interface NamedClassifier {
  readonly name: string
  readonly classifier: Classifier
}

/** Which photos of a dataset are measured; `auto` takes the test side, else the validation side, else all. */
export const SIDE_CHOICES = ['auto', 'test', 'validation', 'train', 'all'] as const
export type SideChoice = (typeof SIDE_CHOICES)[number]

export interface EvaluatePlan {
  readonly model: NamedClassifier
  /** Answers the same photos, for comparison. */
  readonly against: NamedClassifier | undefined
  readonly dataset: ScannedDataset
  readonly side: SideChoice
  /** Photos from which a classifier learned, where that is known. */
  readonly learnedFrom: readonly DatasetPhoto[] | undefined
}

/** Throws `dataset_empty` where no photo is left to measure, `backbone_differs`, or an error of the backbone. */
export async function evaluate(
  { model, against, dataset, side, learnedFrom }: EvaluatePlan,
  context: FeaturizeContext,
): Promise<EvaluationReport> {
  const chosen = chooseSide(dataset.photos, side)
  const { classifier } = model
  const first = await answerAll(classifier, chosen.photos, context)
  const second = against && (await answerAll(against.classifier, chosen.photos, context))
  // A photo that vanished before the other model saw it would compare nothing.
  const seen = second && new Set(second.rows)
  const rows = first.rows.filter((row) => seen?.has(row) ?? true)
  const answers = keepRows(first, rows, classifier.labels.length)
  const photos = rows.map((row) => chosen.photos[row]).filter((photo) => photo !== undefined)
  refuseNothing(dataset, photos, side)
  const labels = classifier.labels
  const truth = Int32Array.from(photos, ({ label }) => labels.indexOf(label))
  refuseForeignLabels(dataset, labels, truth)
  return buildEvaluation({
    model: describeModel(model),
    dataset: {
      name: dataset.name,
      id: manifestId(dataset.photos),
      photos: photos.length,
      choice: chosen.choice,
      cautions: cautionsOf(photos, truth, learnedFrom, dataset, chosen.photos.length),
    },
    labels,
    photos: photos.map(({ path, load }, index) => ({
      path,
      load,
      actual: truth[index] ?? -1,
    })),
    logits: answers.logits,
    distances: answers.distances,
    head: classifier.manifest.head,
    ...(against === undefined || second === undefined
      ? {}
      : {
          other: {
            model: describeModel(against),
            labels: against.classifier.labels,
            actual: Int32Array.from(photos, ({ label }) =>
              against.classifier.labels.indexOf(label),
            ),
            ...keepRows(second, rows, against.classifier.labels.length),
            head: against.classifier.manifest.head,
          },
        }),
  })
}

export const describeModel = ({ name, classifier }: NamedClassifier): ReportModel => ({
  name,
  bundle: classifier.id,
  backbone: classifier.manifest.backbone.id,
  views: describeViews(classifier.manifest.backbone.views),
})

interface Answers {
  /** Photos that could be read. */
  readonly rows: readonly number[]
  /** `[rows, labels]` */
  readonly logits: Float32Array
  /** `[rows]`; undefined where the classifier does not judge distances. */
  readonly distances: Float64Array | undefined
}

async function answerAll(
  classifier: Classifier,
  photos: readonly ScannedPhoto[],
  context: FeaturizeContext,
): Promise<Answers> {
  const { backbone: wanted } = classifier.manifest
  const backbone = findWantedBackbone(wanted, context.home)
  checkBackbone(wanted, backbone)
  const { features, width, failed } = await featurizePhotos(
    {
      photos: photos.map(({ load, sha256 }) => ({ photo: load, sha256 })),
      backbone,
      views: wanted.views,
    },
    context,
  )
  const rows = [...photos.keys()].filter((row) => !failed.has(row))
  const labels = classifier.labels.length
  const logits = new Float32Array(rows.length * labels)
  const distances = new Float64Array(rows.length)
  let judgesDistance = true
  for (const [to, row] of rows.entries()) {
    const answer = classifier.classify(features.subarray(row * width, (row + 1) * width))
    logits.set(answer.logits, to * labels)
    judgesDistance &&= answer.place !== undefined
    distances[to] = answer.place?.distance ?? 0
  }
  return { rows, logits, distances: judgesDistance ? distances : undefined }
}

/** The answers to some of the photos that were answered; `k` is the number of labels. */
function keepRows(
  { rows, logits, distances }: Answers,
  kept: readonly number[],
  k: number,
): Answers {
  if (kept.length === rows.length) return { rows, logits, distances }
  const places = kept.map((row) => rows.indexOf(row))
  const picked = new Float32Array(kept.length * k)
  for (const [to, place] of places.entries()) {
    picked.set(logits.subarray(place * k, (place + 1) * k), to * k)
  }
  return {
    rows: kept,
    logits: picked,
    distances: distances && Float64Array.from(places, (place) => distances[place] ?? 0),
  }
}

/** The photos of a side, and how to say that they were chosen. */
export function chooseSide(
  photos: readonly ScannedPhoto[],
  side: SideChoice,
): { readonly photos: readonly ScannedPhoto[]; readonly choice: string } {
  const of = (split: Split) => photos.filter((photo) => (photo.split ?? 'train') === split)
  if (side === 'all') return { photos, choice: 'all photos of the dataset' }
  if (side !== 'auto') return { photos: of(side), choice: `the ${side} side of the dataset` }
  for (const split of ['test', 'validation'] as const) {
    const found = of(split)
    if (found.length > 0) return { photos: found, choice: `the ${split} side of the dataset` }
  }
  return { photos, choice: 'all photos of the dataset' }
}

function refuseNothing(
  { name }: ScannedDataset,
  photos: readonly DatasetPhoto[],
  side: SideChoice,
): void {
  if (photos.length > 0) return
  throw new VergerError(
    'dataset_empty',
    `Expected photos to measure with in ${name}, received none${side === 'auto' ? '' : ` on its ${side} side`}`,
    { hint: 'verger datasets scan shows what is in a dataset.' },
  )
}

function refuseForeignLabels(
  { name, photos }: ScannedDataset,
  labels: readonly string[],
  truth: Int32Array,
): void {
  if (truth.some((label) => label >= 0)) return
  const list = (names: readonly string[]) =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`
  const received = list([...new Set(photos.map(({ label }) => label))])
  throw new VergerError(
    'dataset_foreign',
    `Expected labels of the model in ${name}, e.g. ${list(labels)}; received ${received}`,
    {
      hint: 'A label is the name of the folder in which its photos lie; spell it as the model does.',
    },
  )
}

function cautionsOf(
  photos: readonly DatasetPhoto[],
  truth: Int32Array,
  learnedFrom: readonly DatasetPhoto[] | undefined,
  { findings }: ScannedDataset,
  chosen: number,
): string[] {
  const learned = new Set(
    learnedFrom?.filter(({ split }) => split !== 'test').map(({ sha256 }) => sha256),
  )
  const seen = photos.filter(({ sha256 }) => learned.has(sha256)).length
  const foreign = truth.filter((label) => label === -1).length
  const broken = findings.filter(({ kind }) => kind === 'broken').length + chosen - photos.length
  const of = (count: number) => `${count} of ${photos.length} photos`
  return [
    ...(seen === 0
      ? []
      : [`The model learned from ${of(seen)}: expect less of it on photos that are new to it.`]),
    ...(foreign === 0
      ? []
      : [
          `The label of ${of(foreign)} is none of the model's: whatever it answers counts as wrong.`,
        ]),
    ...(broken === 0
      ? []
      : [
          `${broken === 1 ? '1 photo' : `${broken} photos`} could not be read and ${broken === 1 ? 'is' : 'are'} left out.`,
        ]),
  ]
}
