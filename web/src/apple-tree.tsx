/** Apples in the crown: x, y in the drawing's own units. */
const APPLES = [
  [50, 56],
  [78, 34],
  [74, 68],
  [104, 50],
  [116, 76],
  [38, 80],
] as const

/** The tree of the empty page; only a drawing, coloured by `app.css`. */
export function AppleTree() {
  return (
    <svg class="apple-tree" viewBox="0 0 160 150" aria-hidden="true">
      <ellipse class="ground" cx="80" cy="141" rx="58" ry="6" />
      <path class="trunk" d="M72 142c3-16 3-28 1-44h14c-2 16-1 28 3 44z" />
      <path class="trunk" d="M80 112c-8-6-15-10-22-20l6-3c5 7 10 11 17 15z" />
      <g class="crown">
        <circle cx="48" cy="68" r="32" />
        <circle cx="80" cy="44" r="38" />
        <circle cx="112" cy="66" r="32" />
        <circle cx="80" cy="78" r="30" />
      </g>
      <path class="crown-light" d="M50 40c6-14 18-24 33-25" />
      <g class="apples">
        {APPLES.map(([x, y]) => (
          <circle key={x} cx={x} cy={y} r="6.5" />
        ))}
        <circle cx="128" cy="137" r="6.5" />
      </g>
    </svg>
  )
}
