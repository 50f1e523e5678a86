import { scaleLinear } from 'd3-scale'
import { area, line } from 'd3-shape'
import { useId, useState } from 'preact/hooks'
import type { RejectionPoint } from '../../../src/training/report.ts'
import { FiguresTable } from './figures-table.tsx'
import { formatPercent } from './format-numbers.ts'
import { MARGIN, PlotAxes } from './plot-axes.tsx'
import { useWidth } from './use-width.ts'

const PLOT_HEIGHT_PX = 300
const START_COVERAGE = 0.9
/** Rows of the table beside the curve. */
const TABLE_ROWS = 11

/** Accuracy against the share of photos that are answered, with a slider for the score that it takes. */
export function RejectionCurve({ points }: { readonly points: readonly RejectionPoint[] }) {
  const sorted = [...points].sort((a, b) => a.coverage - b.coverage)
  const [box, width] = useWidth(480)
  const [wanted, setWanted] = useState(START_COVERAGE)
  const sliderId = useId()
  const point = nearestTo(sorted, wanted)
  if (point === undefined) return null

  const lowest = Math.min(...sorted.map(({ accuracy }) => accuracy))
  const floor = Math.min(0.9, Math.floor(lowest * 10) / 10)
  const x = scaleLinear([0, 1], [MARGIN.left, width - MARGIN.right])
  const y = scaleLinear([floor, 1], [MARGIN.top + PLOT_HEIGHT_PX, MARGIN.top])
  const curve = line<RejectionPoint>(
    ({ coverage }) => x(coverage),
    ({ accuracy }) => y(accuracy),
  )
  const ground = area<RejectionPoint>(
    ({ coverage }) => x(coverage),
    y(floor),
    ({ accuracy }) => y(accuracy),
  )
  const follow = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
    const { left, width: shownPx } = event.currentTarget.getBoundingClientRect()
    setWanted(x.clamp(true).invert(((event.clientX - left) / shownPx) * width))
  }
  const sentence = `${formatPercent(point.coverage)} of the photos answered (score from ${formatPercent(point.threshold)}), ${formatPercent(point.accuracy)} of the answers right`

  return (
    <figure class="chart">
      <figcaption>
        <h3>What if it may pass?</h3>
        <p class="hint">
          When photos with a low score go to a person instead, the rest is right more often. Move
          the slider to choose.
        </p>
      </figcaption>
      <div ref={box}>
        <svg
          viewBox={`0 0 ${width} ${MARGIN.top + PLOT_HEIGHT_PX + MARGIN.bottom}`}
          role="img"
          aria-label={`Rejection curve: ${sentence}`}
          onPointerMove={follow}
          onPointerDown={follow}
        >
          <path class="ground" d={ground(sorted) ?? ''} />
          <PlotAxes x={x} y={y} xTitle="photos answered" yTitle="accuracy" />
          <path class="curve curve-after" d={curve(sorted) ?? ''} />
          <line
            class="cursor"
            x1={x(point.coverage)}
            x2={x(point.coverage)}
            y1={y(floor)}
            y2={y(point.accuracy)}
          />
          <circle class="dot near" cx={x(point.coverage)} cy={y(point.accuracy)} r={6} />
        </svg>
        <label class="visually-hidden" for={sliderId}>
          Share of the photos answered
        </label>
        <input
          id={sliderId}
          class="slider"
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={wanted}
          aria-valuetext={sentence}
          onInput={(event) => setWanted(Number(event.currentTarget.value))}
        />
      </div>
      <p class="readout">
        Answering the surest <strong>{formatPercent(point.coverage)}</strong> of the photos, those
        with a score from <strong>{formatPercent(point.threshold)}</strong>:{' '}
        <strong>{formatPercent(point.accuracy)}</strong> of the answers are right.
      </p>
      <FiguresTable
        caption="Accuracy against the share of photos answered"
        columns={['Answered', 'Score from', 'Right']}
        rows={[...new Set(evenly(sorted.length))].flatMap((index) => {
          const row = sorted[index]
          return row === undefined
            ? []
            : [[row.coverage, row.threshold, row.accuracy].map((share) => formatPercent(share))]
        })}
      />
    </figure>
  )
}

/** The point whose coverage is nearest. */
function nearestTo(
  points: readonly RejectionPoint[],
  coverage: number,
): RejectionPoint | undefined {
  const gapOf = (point: RejectionPoint) => Math.abs(point.coverage - coverage)
  let nearest = points[0]
  for (const point of points) {
    if (nearest !== undefined && gapOf(point) < gapOf(nearest)) nearest = point
  }
  return nearest
}

const evenly = (length: number): number[] =>
  Array.from({ length: TABLE_ROWS }, (_, row) =>
    Math.round((row / (TABLE_ROWS - 1)) * (length - 1)),
  )
