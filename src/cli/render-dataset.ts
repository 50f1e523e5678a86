/** Datasets as text for people: how many photos a label has, what was found, how much it is. */
import { FINDING_KINDS, type Finding, type FindingKind } from '../datasets/findings.ts'
import { groupBy } from '../datasets/group-by.ts'
import type { LabelCount } from '../datasets/label-counts.ts'
import { type DatasetPhoto, SPLITS } from '../datasets/manifest.ts'
import { type Column, renderColumns } from './columns.ts'
import type { Terminal } from './context.ts'
import { printable } from './printable.ts'
import { formatCount, paint, plural } from './render.ts'

/** Digits of an id that people see; enough to tell a quadrillion versions apart. */
const SHORT_ID = 12
export const shortId = (id: string): string => id.slice(0, SHORT_ID)

const KB = 1000
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `66_120_000` → `66 MB`; below ten of a unit with one decimal. */
export function formatBytes(sizeBytes: number): string {
  let amount = sizeBytes
  let unit = 0
  while (amount >= KB && unit < UNITS.length - 1) {
    amount /= KB
    unit++
  }
  const digits = unit > 0 && amount < 10 ? 1 : 0
  return `${amount.toFixed(digits)} ${UNITS[unit]}`
}

/** `100 × 100 to 4032 × 3024 pixels`: the photos with the fewest and the most pixels. */
export function formatPixels(photos: readonly Pick<DatasetPhoto, 'width' | 'height'>[]): string {
  const range = pixelRange(photos)
  if (range === undefined) return 'no pixels'
  const [least, most] = [range.smallest, range.largest].map(
    ({ width, height }) => `${width} × ${height}`,
  )
  return least === most ? `${least} pixels each` : `${least} to ${most} pixels`
}

/** The photos with the fewest and the most pixels; undefined without photos. */
export function pixelRange(photos: readonly Pick<DatasetPhoto, 'width' | 'height'>[]):
  | {
      readonly smallest: { readonly width: number; readonly height: number }
      readonly largest: { readonly width: number; readonly height: number }
    }
  | undefined {
  const [first] = photos
  if (first === undefined) return undefined
  let [smallest, largest] = [first, first]
  for (const photo of photos) {
    const pixels = photo.width * photo.height
    if (pixels < smallest.width * smallest.height) smallest = photo
    if (pixels > largest.width * largest.height) largest = photo
  }
  const sizeOf = ({ width, height }: Pick<DatasetPhoto, 'width' | 'height'>) => ({ width, height })
  return { smallest: sizeOf(smallest), largest: sizeOf(largest) }
}

const BAR_WIDTH = 24
/** Labels that a table shows; of more it shows as many of the largest and of the smallest. */
const MOST_ROWS = 40

/** A line per label, the largest first; with its sides where the dataset is split, with bars on a terminal. */
export function renderLabels(stream: Terminal, counts: readonly LabelCount[]): string {
  const sides = SPLITS.filter((side) => counts.some(({ splits }) => splits[side] > 0))
  const columns: Column[] = [
    { title: 'label' },
    { title: 'photos', align: 'right' },
    ...sides.map((title): Column => ({ title, align: 'right' })),
  ]
  const sorted = [...counts].sort((a, b) => b.photos - a.photos)
  const most = sorted[0]?.photos ?? 1
  const hasBars = stream.isTTY === true
  const rows = sorted.map(({ label, photos, splits }) => [
    printable(label),
    formatCount(photos),
    ...sides.map((side) => formatCount(splits[side])),
    ...(hasBars ? ['█'.repeat(Math.max(1, Math.round((photos / most) * BAR_WIDTH)))] : []),
  ])
  if (hasBars) columns.push({ title: '' })
  if (rows.length <= MOST_ROWS) return renderColumns(columns, rows)
  const half = MOST_ROWS / 2
  const gap = [`… ${formatCount(rows.length - MOST_ROWS)} more`, ...columns.slice(1).map(() => '')]
  return renderColumns(columns, [...rows.slice(0, half), gap, ...rows.slice(-half)])
}

/** What a kind of finding is called above its list. */
const TITLES: Readonly<Record<FindingKind, (count: number) => string>> = {
  broken: (count) =>
    `${plural(count, 'photo')} cannot be read and ${count === 1 ? 'is' : 'are'} left out`,
  'no-label': () => 'Photos without a label are left out',
  'exact-duplicate': (count) => `${plural(count, 'photo')} in several copies`,
  'two-labels': (count) => `${plural(count, 'photo')} under several labels`,
  'near-duplicate': (count) => `${plural(count, 'group')} of near duplicates`,
  'probably-wrong-label': (count) =>
    `${plural(count, 'photo')} with a label that is probably wrong`,
  'few-photos': (count) => `${plural(count, 'label')} with too few photos`,
  'colliding-labels': (count) => `${plural(count, 'group')} of labels that look alike`,
}

const MOST_FINDINGS = 5
const MOST_PATHS = 3

/** Findings by kind, the first few of each with their photos; those that say the same are one line. */
export function renderFindings(stream: Terminal, findings: readonly Finding[]): string {
  const sections = FINDING_KINDS.map((kind) => {
    const ofKind = findings.filter((finding) => finding.kind === kind)
    if (ofKind.length === 0) return ''
    const alike = [...groupBy(ofKind, ({ message }) => message).values()]
    const shown = alike.slice(0, MOST_FINDINGS)
    const lines = shown.map((group) => `  ${renderAlike(group)}\n`)
    const more = ofKind.length - shown.reduce((sum, group) => sum + group.length, 0)
    const rest = more > 0 ? `  … and ${formatCount(more)} more, --json lists all\n` : ''
    return `${paint(stream, 'yellow', TITLES[kind](ofKind.length))}\n${lines.join('')}${rest}`
  })
  return sections.filter((section) => section !== '').join('\n')
}

function renderAlike(findings: readonly Finding[]): string {
  const [first] = findings
  if (first === undefined) return ''
  const { message, error } = first
  const paths = findings.flatMap((finding) => finding.paths)
  const text = `${printable(message)}${error === undefined ? '' : ` [${error.code}]`}`
  const times = findings.length === 1 ? '' : `, ${formatCount(findings.length)} times`
  if (paths.length === 0) return `${text}${times}`
  const shown = paths.slice(0, MOST_PATHS).map(printable).join(', ')
  const more = paths.length - MOST_PATHS
  const rest = more > 0 ? ` … and ${formatCount(more)} more` : ''
  return paths.length === 1 ? `${shown}: ${text}` : `${text}${times}: ${shown}${rest}`
}
