import { useMemo, useRef, useState } from 'preact/hooks'
import type { ConfusionCell, EvaluationReport } from '../../../src/training/report.ts'
import { labelOf } from './answered-photo.tsx'
import { CellPhotos } from './cell-photos.tsx'
import { ConfusionIndex, describeShades, FOREIGN, type Tone } from './confusion-index.ts'
import { ConfusionMap } from './confusion-map.tsx'
import { ConfusionTable } from './confusion-table.tsx'
import { plural } from './format-numbers.ts'
import { Section } from './section.tsx'

/** Up to this many labels the matrix is a table whose cells hold numbers. */
const MOST_TABLE_LABELS = 40
/** Labels of the excerpt that stands above the map of a larger matrix. */
const EXCERPT_LABELS = 16
const WORST_PAIRS = 10

/** Which label is taken for which, and the photos behind every number. */
export function ConfusionSection({ report }: { readonly report: EvaluationReport }) {
  const { labels } = report
  const index = useMemo(() => new ConfusionIndex(report.confusion), [report])
  const errors = index.errors()
  const [selected, setSelected] = useState(errors[0] ?? index.cells[0])
  const isSmall = labels.length <= MOST_TABLE_LABELS
  const all = [...labels.keys()]
  const rows = index.photosOf(FOREIGN) > 0 ? [...all, FOREIGN] : all
  const excerpt = index.mostConfused(EXCERPT_LABELS)
  const side = useRef<HTMLDivElement>(null)
  const choose = (cell: ConfusionCell) => {
    setSelected(cell)
    if (side.current !== null) reveal(side.current)
  }
  const shared = { index, labels, selected, onSelect: setSelected, onChoose: choose }

  return (
    <Section
      id="confusions"
      title="What does it take for what?"
      lead={
        errors.length === 0
          ? 'No photo was taken for another label. Each row is a label; choose a cell to see its photos.'
          : 'Each row is what the photos show, each column what was said. Choose a cell to see its photos; the arrow keys go from cell to cell.'
      }
    >
      <div class="confusion">
        <div class="confusion-matrix">
          {isSmall && <ConfusionTable {...shared} rows={rows} columns={all} caption="All labels" />}
          {!isSmall && excerpt.length > 0 && (
            <>
              <h3>The {excerpt.length} most confused labels</h3>
              <ConfusionTable
                {...shared}
                rows={excerpt}
                columns={excerpt}
                caption="The most confused labels"
              />
            </>
          )}
          {!isSmall && (
            <>
              <h3>All {labels.length} labels</h3>
              <ConfusionMap {...shared} rows={rows} />
            </>
          )}
          <ul class="legend legend-shades">
            <Shades tone="right" title="recognised" />
            {errors.length > 0 && <Shades tone="wrong" title="taken for another" />}
          </ul>
        </div>
        <div class="confusion-side" ref={side}>
          {selected !== undefined && (
            <CellPhotos
              key={`${selected.actual} ${selected.predicted}`}
              cell={selected}
              index={index}
              report={report}
            />
          )}
          {errors.length > 1 && (
            <WorstPairs
              cells={errors.slice(0, WORST_PAIRS)}
              labels={labels}
              selected={selected}
              onChoose={choose}
            />
          )}
        </div>
      </div>
    </Section>
  )
}

/** Scrolls to the head of an element where it is out of sight. */
function reveal(element: HTMLElement): void {
  const { top } = element.getBoundingClientRect()
  if (top < 0 || top > innerHeight * 0.8) element.scrollIntoView({ block: 'start' })
}

/** The four depths of a colour and what they stand for. */
function Shades({ tone, title }: { readonly tone: Tone; readonly title: string }) {
  const words = describeShades(tone)
  return (
    <li>
      <span class="shades" aria-hidden="true">
        {words.map((word, depth) => (
          <span key={word} class={`swatch ${tone}-${depth + 1}`} title={word} />
        ))}
      </span>
      {title}
      <span class="hint">
        {words[0]} … {words.at(-1)} of the row
      </span>
    </li>
  )
}

interface WorstPairsProps {
  readonly cells: readonly ConfusionCell[]
  readonly labels: readonly string[]
  readonly selected: ConfusionCell | undefined
  readonly onChoose: (cell: ConfusionCell) => void
}

function WorstPairs({ cells, labels, selected, onChoose }: WorstPairsProps) {
  return (
    <div class="pairs">
      <h3>Most frequent confusions</h3>
      <ol class="pairs-list">
        {cells.map((cell) => (
          <li key={`${cell.actual} ${cell.predicted}`}>
            <button
              type="button"
              class="pair"
              aria-pressed={cell === selected}
              onClick={() => onChoose(cell)}
            >
              <span>
                <bdi>{labelOf(labels, cell.actual)}</bdi>
                <span class="arrow">
                  <span aria-hidden="true"> → </span>
                  <span class="visually-hidden"> taken for </span>
                </span>
                <bdi>{labelOf(labels, cell.predicted)}</bdi>
              </span>
              <span class="number">{plural(cell.count, 'photo')}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  )
}
