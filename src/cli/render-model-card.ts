import { NEVER_UNKNOWN } from '../bundles/bundle-manifest.ts'
import type { View } from '../features/views.ts'
import type { ModelCard } from '../training/model-card.ts'
import type { Interval } from '../training/report.ts'
import { renderColumns } from './columns.ts'
import { formatPercent, formatTime } from './formats.ts'
import { sayLabels } from './labels.ts'
import { printable } from './printable.ts'
import { formatCount, plural } from './render.ts'
import { sayKept, sayPace, sayTuned } from './render-tuning.ts'

/** A card as text: sections under headings, ready to be pasted into a document. */
export function renderModelCard(card: ModelCard): string {
  const sections = [
    [`${card.model}/${card.version}`, ...said(card.description), ...said(card.versionDescription)],
    ['Model', ...modelFacts(card)],
    ['Intended use', ...card.intendedUse.map((use) => `  - ${use}`)],
    ['Training data', ...dataFacts(card), ...importFacts(card)],
    ['Figures', ...figureFacts(card)],
    ['Limits', ...card.limits.map((limit) => `  - ${limit}`)],
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

const said = (text: string): string[] => (text === '' ? [] : [printable(text)])

function modelFacts({ default: change, backbone, head, ...card }: ModelCard): string[] {
  const since =
    change === undefined
      ? 'does not answer: another version is the default'
      : `answers by default since ${formatTime(change.at)}, set by ${change.who}${change.why === '' ? '' : `: ${change.why}`}`
  return facts([
    ['version', `${card.version}, ${since}`],
    ['bundle', shorten(card.bundle)],
    ['registered', formatTime(card.registeredAt)],
    [
      'kind',
      card.imported === undefined
        ? card.tuning === undefined
          ? 'multinomial logistic regression on the features of a frozen network'
          : 'a network whose upper part was fine-tuned, with its classifier'
        : `a classifier made elsewhere, read from ${card.imported.readAs}`,
    ],
    ['backbone', `${backbone.id}, ${formatCount(backbone.features)} features`],
    ...(card.tuning === undefined
      ? []
      : ([
          ['fine-tuned', sayTuned(card.tuning)],
          ['', `${sayKept(card.tuning)}; ${sayPace(card.tuning)}`],
        ] as const)),
    ['weights', `licence ${backbone.licence}, SHA-256 ${shorten(backbone.sha256)}…`],
    ['views', backbone.views.map(sayView).join(' and ')],
    ['unsure', `below a score of ${formatPercent(head.unsureBelow)}`],
    [
      'unknown',
      head.unknownAbove === NEVER_UNKNOWN
        ? 'never'
        : `farther than ${head.unknownAbove.toPrecision(3)} from the training photos`,
    ],
    ['corrections', card.keepCorrections ? 'kept with their photos' : 'not kept'],
    ...labelled('labels', card.labels),
    ...labelled('its labels', card.versionLabels),
    ...(card.canary === undefined
      ? []
      : [['canary', `${card.canary.version}, ${card.canary.percent} % of the requests`] as const]),
    ...(card.shadow === undefined ? [] : [['shadow', card.shadow] as const]),
  ])
}

const labelled = (title: string, labels: ModelCard['labels']): (readonly [string, string])[] =>
  Object.keys(labels).length === 0 ? [] : [[title, sayLabels(labels)]]

function dataFacts({ data }: ModelCard): string[] {
  if (data === undefined) return []
  const labels = Object.entries(data.photosPerLabel)
  return [
    ...facts([
      ['dataset', `${data.name === undefined ? '' : `${data.name}, `}id ${shorten(data.dataset)}`],
      ...(data.source === undefined ? [] : [['source', data.source] as const]),
      ['photos', `${formatCount(data.photos)} of ${plural(labels.length, 'label')}`],
    ]),
    ...table(
      ['label', 'photos'],
      labels.map(([label, photos]) => [label, formatCount(photos)]),
    ),
  ]
}

function importFacts({ imported }: ModelCard): string[] {
  if (imported === undefined) return []
  return facts([
    ['imported', `${imported.readAs}, SHA-256 ${shorten(imported.sha256)}…`],
    ...imported.notes.map((note) => ['', note] as const),
  ])
}

function figureFacts({ figures, model, version }: ModelCard): string[] {
  if (figures === undefined) {
    return [
      `None: ${model}/${version} was registered without a report.`,
      `verger evaluate --model ${model} --version ${version} --dataset DATASET measures it.`,
    ]
  }
  const { measuredOn, topK, decisions } = figures
  const answered = decisions.ok + decisions.unsure + decisions.unknown
  return [
    ...facts([
      ['measured on', `${plural(measuredOn.photos, 'photo')} of ${measuredOn.name}`],
      ['', `${measuredOn.choice}, id ${shorten(measuredOn.id)}`],
      ['accuracy', sayInterval(figures.accuracy)],
      ['macro-F1', figures.macroF1.toFixed(3)],
      [`top-${topK.k}`, formatPercent(topK.accuracy)],
      [
        'calibration',
        `${sayInterval(figures.calibrationError)} between a score and how often it is right`,
      ],
      [
        'decisions',
        `${decisions.ok} ok, ${decisions.unsure} unsure, ${decisions.unknown} unknown of ${formatCount(answered)}`,
      ],
    ]),
    ...measuredOn.cautions.map((caution) => `  Caution: ${printable(caution)}`),
    ...table(
      ['most confused', 'taken for', 'photos'],
      figures.confusions.map(({ actual, predicted, count }) => [actual, predicted, `${count}`]),
    ),
    ...table(
      ['weakest label', 'found', 'photos'],
      figures.weakestLabels.map(({ label, recall, photos }) => [
        label,
        formatPercent(recall),
        formatCount(photos),
      ]),
    ),
  ]
}

/** Enough of a hash to tell it from others; `--json` has all of it. */
const shorten = (hash: string): string => hash.slice(0, 12)

const FACT_WIDTH = 13

const facts = (rows: readonly (readonly [string, string])[]): string[] =>
  rows.map(([name, value]) => `  ${name.padEnd(FACT_WIDTH)}${printable(value)}`)

/** Names on the left, the last column on the right; an empty table is left out. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const columns = titles.map((title, index) =>
    index === titles.length - 1 ? { title, align: 'right' as const } : { title },
  )
  const cells = rows.map((row) => row.map(printable))
  return ['', renderColumns(columns, cells).trimEnd()]
}

const sayView = ({ size, mirrored }: View): string => `${size} px${mirrored ? ' mirrored' : ''}`

const sayInterval = ({ value, low, high }: Interval): string =>
  `${formatPercent(value)} (95 % interval ${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)})`
