import { useRef } from 'preact/hooks'
import type { ConfusionCell } from '../../../src/training/report.ts'
import { labelOf } from './answered-photo.tsx'
import { type ConfusionIndex, isArrow, neighbourOf, shadeOf, toneOf } from './confusion-index.ts'
import { formatCount, plural } from './format-numbers.ts'

export interface ConfusionProps {
  readonly index: ConfusionIndex
  readonly labels: readonly string[]
  readonly selected: ConfusionCell | undefined
  /** The keyboard came to a cell. */
  readonly onSelect: (cell: ConfusionCell) => void
  /** A cell was pressed. */
  readonly onChoose: (cell: ConfusionCell) => void
}

interface ConfusionTableProps extends ConfusionProps {
  /** Indices of labels, from top to bottom. */
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  readonly caption: string
}

/** What a cell says, as a sentence. */
export function describeCell(cell: ConfusionCell, labels: readonly string[]): string {
  const photos = plural(cell.count, 'photo')
  const actual = labelOf(labels, cell.actual)
  return cell.actual === cell.predicted
    ? `${photos} of ${actual} recognised`
    : `${photos} of ${actual} taken for ${labelOf(labels, cell.predicted)}`
}

/** The matrix as a table; only one of its cells can be reached by Tab, the others by arrow keys. */
export function ConfusionTable(props: ConfusionTableProps) {
  const { index, labels, selected, onSelect, onChoose, rows, columns, caption } = props
  const table = useRef<HTMLTableElement>(null)
  const isShown = (cell: ConfusionCell) =>
    rows.includes(cell.actual) && columns.includes(cell.predicted)
  const cells = index.cells.filter(isShown)
  const reachable = selected !== undefined && isShown(selected) ? selected : cells[0]
  const move = (event: KeyboardEvent, cell: ConfusionCell) => {
    if (!isArrow(event.key)) return
    event.preventDefault()
    const next = neighbourOf(cell, event.key, cells)
    if (next === undefined) return
    const place = `[data-place="${next.actual} ${next.predicted}"]`
    table.current?.querySelector<HTMLElement>(place)?.focus()
  }
  const density = columns.length <= 12 ? 'roomy' : columns.length <= 18 ? 'medium' : 'dense'

  return (
    <div class="scroll">
      <table ref={table} class={`matrix matrix-${density}`}>
        <caption class="visually-hidden">
          {caption}: rows are what the photos show, columns what was said, cells count photos
        </caption>
        <thead>
          <tr>
            <td class="corner">
              <span>shows ↓</span> <span>said →</span>
            </td>
            {columns.map((column) => (
              <th
                key={column}
                scope="col"
                class={column === selected?.predicted ? 'column-label lit' : 'column-label'}
                title={labelOf(labels, column)}
              >
                <bdi>{labelOf(labels, column)}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row}>
              <th
                scope="row"
                class={row === selected?.actual ? 'row-label lit' : 'row-label'}
                title={labelOf(labels, row)}
              >
                <bdi>{labelOf(labels, row)}</bdi>
              </th>
              {columns.map((column) => {
                const cell = index.at(row, column)
                if (cell === undefined)
                  return <td key={column} class={row === column ? 'on-diagonal' : ''} />
                return (
                  <td key={column}>
                    <button
                      type="button"
                      class={`cell ${shadeOf(toneOf(cell), index.shareOf(cell))}`}
                      data-place={`${row} ${column}`}
                      tabIndex={cell === reachable ? 0 : -1}
                      aria-pressed={cell === selected}
                      aria-label={describeCell(cell, labels)}
                      onFocus={() => onSelect(cell)}
                      onClick={() => onChoose(cell)}
                      onKeyDown={(event) => move(event, cell)}
                    >
                      {formatCount(cell.count)}
                    </button>
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
