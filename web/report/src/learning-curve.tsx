import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import { useId, useState } from 'preact/hooks'
import { FiguresTable } from './figures-table.tsx'
import { MARGIN, PlotAxes } from './plot-axes.tsx'
import { useWidth } from './use-width.ts'

const PLOT_HEIGHT_PX = 260

export interface CurvePoint {
  readonly epoch: number
  readonly training: number
  readonly validation: number
}

interface LearningCurveProps {
  readonly title: string
  readonly hint: string
  readonly points: readonly CurvePoint[]
  /** What frozen features reach on the validation photos. */
  readonly baseline: number
  readonly keptEpoch: number | undefined
  /** The largest value of the axis, where there is one. */
  readonly most?: number
  readonly format: (value: number) => string
  /** Fewer digits, for the axis. */
  readonly formatTick: (value: number) => string
}

/** A figure of each epoch: of the photos that were learned from, of those that judged, and what frozen features reach. */
export function LearningCurve(props: LearningCurveProps) {
  const { title, hint, points, baseline, keptEpoch, format } = props
  const [box, width] = useWidth(480)
  const [near, setNear] = useState<number>()
  const ids = { title: useId(), description: useId() }
  const values = [baseline, ...points.flatMap(({ training, validation }) => [training, validation])]
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const last = Math.max(2, points.at(-1)?.epoch ?? 2)
  const first = Math.min(1, points[0]?.epoch ?? 1)
  const x = scaleLinear([first, last], [MARGIN.left, width - MARGIN.right])
  const y = scaleLinear(
    [Math.max(0, least - 0.05 * (most - least)), props.most ?? most],
    [MARGIN.top + PLOT_HEIGHT_PX, MARGIN.top],
  ).nice(5)
  const curveOf = (pick: (point: CurvePoint) => number) =>
    line<CurvePoint>(
      ({ epoch }) => x(epoch),
      (point) => y(pick(point)),
    )(points) ?? ''
  const kept = points.find(({ epoch }) => epoch === keptEpoch)
  const shown = points.find(({ epoch }) => epoch === near) ?? kept ?? points.at(-1)
  const follow = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
    const { left, width: shownPx } = event.currentTarget.getBoundingClientRect()
    const epoch = x.invert(((event.clientX - left) / shownPx) * width)
    setNear(nearestTo(points, epoch)?.epoch)
  }
  const ends = [points[0], points.at(-1)].map((point) => format(point?.validation ?? 0))
  const description = `On validation photos from ${ends[0]} in the first epoch to ${ends[1]} in the last${kept === undefined ? '' : `; ${format(kept.validation)} in epoch ${kept.epoch}, which was kept`}. Frozen features: ${format(baseline)}.`

  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <p class="hint">{hint}</p>
        <ul class="legend">
          <li>
            <span class="key" aria-hidden="true" /> validation photos
          </li>
          <li>
            <span class="key key-before" aria-hidden="true" /> learned from
          </li>
          <li>
            <span class="key key-frozen" aria-hidden="true" /> frozen features
          </li>
          {kept !== undefined && (
            <li>
              <span class="key key-kept" aria-hidden="true" /> kept epoch
            </li>
          )}
        </ul>
      </figcaption>
      <div ref={box}>
        <svg
          viewBox={`0 0 ${width} ${MARGIN.top + PLOT_HEIGHT_PX + MARGIN.bottom}`}
          role="img"
          aria-labelledby={`${ids.title} ${ids.description}`}
          onPointerMove={follow}
          onPointerDown={follow}
          onPointerLeave={() => setNear(undefined)}
        >
          <title id={ids.title}>{title}</title>
          <desc id={ids.description}>{description}</desc>
          <PlotAxes
            x={x}
            y={y}
            xTitle="epoch"
            yTitle=""
            formatX={(epoch) => (Number.isInteger(epoch) ? String(epoch) : '')}
            formatY={props.formatTick}
          />
          <line class="frozen" x1={x(first)} x2={x(last)} y1={y(baseline)} y2={y(baseline)} />
          <path class="curve curve-before" d={curveOf(({ training }) => training)} />
          <path class="curve curve-after" d={curveOf(({ validation }) => validation)} />
          {shown !== undefined && shown !== kept && (
            <line
              class="cursor"
              x1={x(shown.epoch)}
              x2={x(shown.epoch)}
              y1={y.range()[0]}
              y2={y.range()[1]}
            />
          )}
          {points.length === 1 &&
            points.map(({ epoch, training }) => (
              <circle key={epoch} class="dot dot-before" cx={x(epoch)} cy={y(training)} r={4} />
            ))}
          {points.map((point) => (
            <circle
              key={point.epoch}
              class={point === kept ? 'dot dot-kept' : 'dot'}
              cx={x(point.epoch)}
              cy={y(point.validation)}
              r={point === kept ? 7 : 3}
            />
          ))}
        </svg>
      </div>
      <p class="readout">
        {shown !== undefined && (
          <>
            Epoch {shown.epoch}
            {shown === kept && ', which was kept'}: <strong>{format(shown.validation)}</strong> on
            validation photos, {format(shown.training)} on those learned from; frozen features{' '}
            {format(baseline)}.
          </>
        )}
      </p>
      <FiguresTable
        caption={title}
        columns={['Epoch', 'Validation photos', 'Learned from']}
        rows={[
          ['frozen features', format(baseline), '–'],
          ...points.map(({ epoch, training, validation }) => [
            epoch === keptEpoch ? `${epoch}, kept` : String(epoch),
            format(validation),
            format(training),
          ]),
        ]}
      />
    </figure>
  )
}

function nearestTo(points: readonly CurvePoint[], epoch: number): CurvePoint | undefined {
  const gapOf = (point: CurvePoint) => Math.abs(point.epoch - epoch)
  return points.toSorted((one, other) => gapOf(one) - gapOf(other))[0]
}
