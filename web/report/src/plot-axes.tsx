import type { ScaleLinear } from 'd3-scale'

type Scale = ScaleLinear<number, number>

interface PlotAxesProps {
  /** Values → pixels. */
  readonly x: Scale
  readonly y: Scale
  readonly xTitle: string
  readonly yTitle: string
  /** By default shares of 0 to 1 in percent. */
  readonly formatX?: (value: number) => string
  readonly formatY?: (value: number) => string
}

/** Pixels around a plot that hold its axes. */
export const MARGIN = { top: 26, right: 22, bottom: 44, left: 46 } as const

const SMALL_PX = 320

/** Grid lines, ticks and the titles of both axes. A tick that is formatted as nothing is left out. */
export function PlotAxes(props: PlotAxesProps) {
  const { x, y, xTitle, yTitle, formatX = percentOf, formatY = percentOf } = props
  const [left = 0, right = 0] = x.range()
  const [bottom = 0, top = 0] = y.range()
  return (
    <g class="axes">
      {y.ticks(5).map((value) => (
        <g key={value} transform={`translate(0 ${y(value)})`}>
          <line class="grid" x1={left} x2={right} />
          <text x={left - 8} dy="0.32em" text-anchor="end">
            {formatY(value)}
          </text>
        </g>
      ))}
      {x
        .ticks(right - left < SMALL_PX ? 3 : 5)
        .filter((value) => formatX(value) !== '')
        .map((value) => (
          <g key={value} transform={`translate(${x(value)} ${bottom})`}>
            <line class="tick" y2={4} />
            <text y={18} text-anchor="middle">
              {formatX(value)}
            </text>
          </g>
        ))}
      <line class="baseline" x1={left} x2={right} y1={bottom} y2={bottom} />
      <text class="axis-title" x={right} y={bottom + 37} text-anchor="end">
        {xTitle}
      </text>
      <text class="axis-title" x={0} y={top - 13}>
        {yTitle}
      </text>
    </g>
  )
}

const percentOf = (share: number): string => `${Math.round(share * 1000) / 10}\u00a0%`
