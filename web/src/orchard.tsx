/** Trees on the front hill: x of the trunk, y of its foot, size. */
const TREES = [
  [60, 112, 1],
  [170, 98, 0.8],
  [270, 92, 1.1],
  [395, 91, 0.75],
  [820, 104, 0.8],
  [930, 99, 1.1],
  [1040, 90, 0.85],
  [1140, 84, 1],
] as const

/** Hills with a row of trees above the footer; only a drawing, coloured by `app.css`. */
export function Orchard() {
  return (
    <svg
      class="orchard"
      viewBox="0 -20 1200 160"
      preserveAspectRatio="xMidYMax slice"
      aria-hidden="true"
    >
      <path class="hill-back" d="M0 92C200 40 380 62 600 78s420-50 600-34v100H0z" />
      {TREES.map(([x, y, size]) => (
        <g key={x} transform={`translate(${x} ${y}) scale(${size})`}>
          <rect class="trunk" x="-3" y="-24" width="6" height="30" rx="2" />
          <circle class="crown" cy="-36" r="20" />
          <g class="apples">
            <circle cx="-8" cy="-32" r="2.6" />
            <circle cx="6" cy="-42" r="2.6" />
            <circle cx="9" cy="-27" r="2.6" />
          </g>
        </g>
      ))}
      <path class="hill-front" d="M0 118C180 84 380 78 600 104s440-8 600-28v66H0z" />
    </svg>
  )
}
