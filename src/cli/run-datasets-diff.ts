/** Says what changed between two saved dataset versions. */
import { type Change, diffDatasets } from '../datasets/diff.ts'
import { loadDatasetVersion } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatCount, plural } from './render.ts'
import { shortId } from './render-dataset.ts'

export interface DatasetsDiffPlan {
  /** Id or name of the version before. */
  readonly before: string
  readonly after: string
  readonly json: boolean
}

/** Throws `dataset_not_found` or `dataset_ambiguous`. */
export async function runDatasetsDiff(
  context: CommandContext,
  plan: DatasetsDiffPlan,
): Promise<void> {
  const { config, stdout } = context
  const store = await openStore(config)
  const load = async () => [
    await loadDatasetVersion(store, plan.before),
    await loadDatasetVersion(store, plan.after),
  ]
  const [before, after] = await load().finally(() => store.close())
  if (before === undefined || after === undefined) return
  const diff = diffDatasets(before.photos, after.photos)
  if (plan.json) {
    const ends = { before: before.id, after: after.id }
    printJson(context, { ...ends, ...diff })
    return
  }
  const title = (version: typeof before) => `${printable(version.name)} ${shortId(version.id)}`
  stdout.write(`${title(before)} → ${title(after)}\n`)
  const sections = [
    renderSection('added', diff.added.map(printable)),
    renderSection('removed', diff.removed.map(printable)),
    renderSection(
      'moved',
      diff.moved.map(({ from, to }) => arrow(from, to)),
    ),
    renderSection('replaced by other bytes', diff.replaced.map(printable)),
    renderSection('relabelled', diff.relabelled.map(describeChange)),
    renderSection('on another side of the split', diff.resplit.map(describeChange)),
    renderSection('in another group', diff.regrouped.map(describeChange)),
  ].join('')
  stdout.write(sections === '' ? 'No difference.\n' : sections)
  if (diff.labels.length === 0) return
  const rows = diff.labels.map((count) => [
    printable(count.label),
    formatCount(count.before),
    formatCount(count.after),
  ])
  const right = 'right' as const
  const columns = [
    { title: 'label' },
    { title: 'before', align: right },
    { title: 'after', align: right },
  ]
  stdout.write(`\n${renderColumns(columns, rows)}`)
}

const MOST_LINES = 10

function renderSection(what: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  const more = lines.length - MOST_LINES
  const rest = more > 0 ? `  … and ${formatCount(more)} more, --json lists all\n` : ''
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${line}\n`)
  return `\n${plural(lines.length, 'photo')} ${what}\n${shown.join('')}${rest}`
}

const arrow = (from: string, to: string): string => `${printable(from)} → ${printable(to)}`

const describeChange = ({ path, from = 'none', to = 'none' }: Change): string =>
  `${printable(path)}: ${arrow(from, to)}`
