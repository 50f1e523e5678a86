/** What a reader must know to trust a model, after Mitchell et al., Model Cards for Model Reporting (2019). */
import type { BundleManifest } from '../bundles/bundle-manifest.ts'
import { BUNDLE_MANIFEST, parseBundleManifest } from '../bundles/verify-bundle.ts'
import { isOfDefault } from '../registry/defaults.ts'
import type { DefaultChange, Model, Registry, Version } from '../registry/registry.ts'
import type { Store } from '../store/store.ts'
import type { EvaluationReport, TuningReport } from './report.ts'
import { type HeadlineFigures, headlineFigures, readVersionReport } from './version-report.ts'

export interface ModelCard {
  readonly model: string
  readonly description: string
  readonly keepCorrections: boolean
  readonly labels: Model['labels']
  readonly canary?: NonNullable<Model['canary']>
  readonly shadow?: string
  readonly version: string
  readonly versionDescription: string
  readonly versionLabels: Version['labels']
  readonly bundle: string
  /** ISO 8601. */
  readonly registeredAt: string
  /** How it became the default; absent where another version answers. */
  readonly default?: DefaultChange
  readonly backbone: BundleManifest['backbone']
  readonly head: BundleManifest['head']
  /** What it learned from; absent where it was imported. */
  readonly data?: {
    /** Id of the dataset version. */
    readonly dataset: string
    /** Its name and source, where the registry knows it. */
    readonly name?: string
    readonly source?: string
    readonly photos: number
    readonly photosPerLabel: Readonly<Record<string, number>>
  }
  /** How its network was fine-tuned; absent where its features are as they were. */
  readonly tuning?: TuningReport
  /** Where it comes from; absent where it was trained. */
  readonly imported?: NonNullable<BundleManifest['imported']>
  /** Absent where the version was registered without a report. */
  readonly figures?: Figures
  readonly intendedUse: readonly string[]
  readonly limits: readonly string[]
}

interface Figures extends HeadlineFigures {
  /** Labels with the lowest recall, the lowest first. */
  readonly weakestLabels: readonly {
    readonly label: string
    readonly recall: number
    readonly photos: number
  }[]
  /** The most frequent first. */
  readonly confusions: readonly {
    readonly actual: string
    readonly predicted: string
    readonly count: number
  }[]
}

/** How many confusions and weak labels a card names. */
const WORST = 5

/** Throws like `resolveVersion`, and `blob_missing` or `blob_damaged`. */
export async function readModelCard(
  registry: Registry,
  { db }: Store,
  name: string,
  versionName: string | undefined,
): Promise<ModelCard> {
  const version = await registry.resolveVersion(name, versionName)
  const model = await registry.getModel(name)
  const isDefault = model.defaultVersion === version.name
  const history = isDefault ? await registry.readHistory(name) : []
  const change = history.find(({ kind }) => isOfDefault(kind))
  const manifest = parseBundleManifest(await registry.readVersionFile(version, BUNDLE_MANIFEST))
  const { training, imported, labels, head, backbone } = manifest
  const report = await readVersionReport(registry, version)
  const tuning = report?.training?.tuning
  return {
    model: name,
    description: model.description,
    keepCorrections: model.keepCorrections,
    labels: model.labels,
    ...(model.canary === undefined ? {} : { canary: model.canary }),
    ...(model.shadow === undefined ? {} : { shadow: model.shadow }),
    version: version.name,
    versionDescription: version.description,
    versionLabels: version.labels,
    bundle: version.bundle,
    registeredAt: version.createdAt,
    ...(change === undefined ? {} : { default: change }),
    backbone,
    head,
    ...(training === undefined ? {} : { data: await describeData(db, labels, training) }),
    ...(tuning?.keptEpoch === undefined ? {} : { tuning }),
    ...(imported === undefined ? {} : { imported }),
    ...(report === undefined ? {} : { figures: figuresOf(report) }),
    intendedUse: [
      `Naming which of ${countLabels(labels.length)} a photo shows, for photos taken like those of its dataset.`,
      'Not for decisions about people, or where a wrong answer does harm and nobody looks at it first.',
    ],
    limits: limitsOf(manifest, report),
  }
}

async function describeData(
  db: Store['db'],
  labels: readonly string[],
  { dataset, photos, photosPerLabel }: NonNullable<BundleManifest['training']>,
): Promise<NonNullable<ModelCard['data']>> {
  const known = await db
    .selectFrom('datasets')
    .select(['name', 'source'])
    .where('id', '=', dataset)
    .executeTakeFirst()
  const perLabel = labels.map((label, index) => [label, photosPerLabel[index] ?? 0])
  return { dataset, ...known, photos, photosPerLabel: Object.fromEntries(perLabel) }
}

function figuresOf(report: EvaluationReport): Figures {
  const nameOf = (index: number) => report.labels[index] ?? 'a label unknown to it'
  return {
    ...headlineFigures(report),
    weakestLabels: report.perLabel
      .filter(({ photos }) => photos > 0)
      .toSorted((one, other) => one.recall - other.recall)
      .slice(0, WORST)
      .map(({ label, recall, photos }) => ({ label, recall, photos })),
    confusions: report.confusion
      .filter(({ actual, predicted }) => actual !== predicted)
      .toSorted((one, other) => other.count - one.count)
      .slice(0, WORST)
      .map(({ actual, predicted, count }) => ({
        actual: nameOf(actual),
        predicted: nameOf(predicted),
        count,
      })),
  }
}

function limitsOf(
  { labels, head, backbone, imported }: BundleManifest,
  report: EvaluationReport | undefined,
): string[] {
  const tuning = report?.training?.tuning
  return [
    ...(imported === undefined
      ? [
          `It knows ${countLabels(labels.length)} and nothing else: a photo of anything else gets one of them, or the answer unknown.`,
          `It answers unsure below a score of ${percent(head.unsureBelow)}, and unknown for a photo farther than ${head.unknownAbove.toPrecision(3)} from those it was trained on. Both are estimates and miss some.`,
        ]
      : [
          `It knows ${countLabels(labels.length)} and nothing else, and never says that it is unsure: a photo of anything else gets one of them.`,
        ]),
    report === undefined
      ? 'How often it is right was not measured.'
      : 'The figures hold for photos taken like those of the dataset; with another camera, light or background expect worse, and measure.',
    'It gives one name to a whole photo; it does not find, count or measure the things on it.',
    'No claim of fairness is made: the figures are not broken down by who took the photos, where, or with what.',
    imported === undefined
      ? `Its features come from ${tuning?.backbone ?? backbone.id}, trained by others on ImageNet, whose biases it inherits.`
      : 'It was trained elsewhere: what it learned from, and which biases it inherits, its makers know.',
  ]
}

const countLabels = (count: number): string => `${count} label${count === 1 ? '' : 's'}`
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
