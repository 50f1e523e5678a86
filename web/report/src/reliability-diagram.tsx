import { scaleLinear, scaleSqrt } from 'd3-scale'
import { line } from 'd3-shape'
import { useState } from 'preact/hooks'
import type { EvaluationReport, ReliabilityBin } from '../../../src/training/report.ts'
import { FiguresTable } from './figures-table.tsx'
import { formatCount, formatPercent, plural } from './format-numbers.ts'
import { MARGIN, PlotAxes } from './plot-axes.tsx'
import { useWidth } from './use-width.ts'

const PLOT_HEIGHT_PX = 300
/** Height of the bars that count the photos, at the foot of the plot. */
const BARS_HEIGHT_PX = 70

/** Accuracy against score, before and after the temperature; on the diagonal a score means what it says. */
export function ReliabilityDiagram({ report }: { readonly report: EvaluationReport }) {
  const { bins, binsBefore, eceBefore, eceAfter } = report.calibration
  const [box, width] = useWidth(480)
  const [near, setNear] = useState<number>()
  const x = scaleLinear([0, 1], [MARGIN.left, width - MARGIN.right])
  const y = scaleLinear([0, 1], [MARGIN.top + PLOT_HEIGHT_PX, MARGIN.top])
  const mostPhotos = Math.max(1, ...bins.map(({ count }) => count))
  const height = scaleLinear([0, mostPhotos], [0, BARS_HEIGHT_PX])
  const radius = scaleSqrt([0, mostPhotos], [2.5, 7])
  const curve = line<ReliabilityBin>()
    .x((bin) => x(bin.meanScore))
    .y((bin) => y(bin.accuracy))
  const filled = bins.filter(({ count }) => count > 0)
  const filledBefore = binsBefore.filter(({ count }) => count > 0)
  const bin = near === undefined ? undefined : bins[near]
  const point = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
    const { left, width: shownPx } = event.currentTarget.getBoundingClientRect()
    const score = x.invert(((event.clientX - left) / shownPx) * width)
    const found = bins.findIndex(({ from, to }) => score >= from && score < to)
    setNear(found < 0 ? undefined : found)
  }
  const ends = `calibration error ${formatPercent(eceBefore.value)} before and ${formatPercent(eceAfter.value)} after the temperature`

  return (
    <figure class="chart">
      <figcaption>
        <h3>Does 90 % mean 90 %?</h3>
        <p class="hint">
          Accuracy of the photos that got a score. On the diagonal a score means what it says; below
          it the model is too sure of itself. The larger a dot, the more photos.
        </p>
        <ul class="legend">
          <li>
            <span class="key key-after" aria-hidden="true" /> with temperature
          </li>
          <li>
            <span class="key key-before" aria-hidden="true" /> without
          </li>
          <li>
            <span class="key key-bars" aria-hidden="true" /> photos per score
          </li>
        </ul>
      </figcaption>
      <div ref={box}>
        <svg
          viewBox={`0 0 ${width} ${MARGIN.top + PLOT_HEIGHT_PX + MARGIN.bottom}`}
          role="img"
          aria-label={`Reliability diagram: ${ends}`}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setNear(undefined)}
        >
          {bins.map(({ from, to, count }, index) => (
            <rect
              key={from}
              class={index === near ? 'count-bar near' : 'count-bar'}
              x={x(from) + 1}
              width={Math.max(1, x(to) - x(from) - 2)}
              y={y(0) - height(count)}
              height={height(count)}
            />
          ))}
          <PlotAxes x={x} y={y} xTitle="score" yTitle="accuracy" />
          <line class="ideal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
          <path class="curve curve-before" d={curve(filledBefore) ?? ''} />
          <path class="curve curve-after" d={curve(filled) ?? ''} />
          {filled.map((one) => (
            <circle
              key={one.from}
              class={one === bin ? 'dot near' : 'dot'}
              cx={x(one.meanScore)}
              cy={y(one.accuracy)}
              r={radius(one.count)}
            />
          ))}
        </svg>
      </div>
      <p class="readout">
        {bin === undefined ? (
          <>
            Calibration error, the mean gap: {formatPercent(eceBefore.value)} without,{' '}
            <strong>{formatPercent(eceAfter.value)}</strong> with temperature.
          </>
        ) : (
          <>
            Score {rangeOf(bin)}: {plural(bin.count, 'photo')}
            {bin.count > 0 && (
              <>
                , <strong>{formatPercent(bin.accuracy)}</strong> right at a mean score of{' '}
                {formatPercent(bin.meanScore)}
              </>
            )}
            .
          </>
        )}
      </p>
      <FiguresTable
        caption="Reliability with temperature"
        columns={['Score', 'Photos', 'Mean score', 'Right']}
        rows={filled.map((one) => [
          rangeOf(one),
          formatCount(one.count),
          formatPercent(one.meanScore),
          formatPercent(one.accuracy),
        ])}
      />
    </figure>
  )
}

const rangeOf = ({ from, to }: ReliabilityBin): string =>
  `${Math.round(from * 100)} to ${formatPercent(to, 0)}`
