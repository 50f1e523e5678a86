import { useState } from 'preact/hooks'
import type { ConfusionCell } from '../../../src/training/report.ts'
import { isArrow, neighbourOf, shadeOf, toneOf } from './confusion-index.ts'
import { type ConfusionProps, describeCell } from './confusion-table.tsx'

/** How far from a cell a finger may land, in CSS pixels. */
const REACH_PX = 14

interface ConfusionMapProps extends ConfusionProps {
  /** Indices of labels, from top to bottom. */
  readonly rows: readonly number[]
}

/** A whole matrix too large for numbers: one coloured square for each cell that holds photos. */
export function ConfusionMap(props: ConfusionMapProps) {
  const { index, labels, rows, selected, onSelect, onChoose } = props
  const [near, setNear] = useState<ConfusionCell>()
  const rowOf = new Map(rows.map((label, row) => [label, row]))
  const topOf = (cell: ConfusionCell) => rowOf.get(cell.actual) ?? 0
  const width = labels.length
  const height = rows.length
  const lit = near ?? selected

  const find = (event: MouseEvent & { readonly currentTarget: SVGSVGElement }) => {
    const box = event.currentTarget.getBoundingClientRect()
    const perCellPx = box.width / width
    const x = (event.clientX - box.left) / perCellPx
    const y = (event.clientY - box.top) / perCellPx
    let found: ConfusionCell | undefined
    let reach = Math.max(1, REACH_PX / perCellPx)
    for (const cell of index.cells) {
      const away = Math.hypot(cell.predicted + 0.5 - x, topOf(cell) + 0.5 - y)
      if (away < reach) [found, reach] = [cell, away]
    }
    return found
  }
  const move = (event: KeyboardEvent) => {
    if (!isArrow(event.key) || selected === undefined) return
    event.preventDefault()
    const next = neighbourOf(selected, event.key, index.cells)
    if (next !== undefined) onSelect(next)
  }
  const choose = (event: MouseEvent & { readonly currentTarget: SVGSVGElement }) => {
    const cell = find(event)
    if (cell !== undefined) onChoose(cell)
  }

  return (
    <div class="map">
      {/* A widget of its own: the arrow keys must reach it, not the reader's own navigation. */}
      <div
        class="map-plot"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys
        tabIndex={0}
        aria-label={`Map of all ${labels.length} labels, arrow keys go from cell to cell. ${selected === undefined ? '' : describeCell(selected, labels)}`}
        onKeyDown={move}
      >
        <svg
          viewBox={`0 0 ${width} ${height}`}
          aria-hidden="true"
          onPointerMove={(event) => setNear(find(event))}
          onPointerLeave={() => setNear(undefined)}
          onClick={choose}
        >
          <rect class="map-ground" width={width} height={height} />
          {lit !== undefined && (
            <g class="map-lines">
              <rect y={topOf(lit)} width={width} height={1} />
              <rect x={lit.predicted} width={1} height={height} />
            </g>
          )}
          {index.cells.map((cell) => (
            <rect
              key={`${cell.actual} ${cell.predicted}`}
              class={shadeOf(toneOf(cell), index.shareOf(cell))}
              x={cell.predicted}
              y={topOf(cell)}
              width={1}
              height={1}
            />
          ))}
          {selected !== undefined && (
            <rect
              class="map-selected"
              x={selected.predicted}
              y={topOf(selected)}
              width={1}
              height={1}
            />
          )}
        </svg>
      </div>
      <p class="readout">
        {lit === undefined
          ? 'Rows show what the photos show, columns what was said.'
          : describeCell(lit, labels)}
      </p>
    </div>
  )
}
