/** Things around the fruit as SVG, each drawn in a square of 100 units around the origin. */
import type { Thing } from './scene.ts'

/** One thing in its place, size and colour. */
export function drawThing({ kind, x, y, size, rotation, color }: Thing): string {
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)})`
  const scale = `scale(${(size / 100).toFixed(4)})`
  return `<g transform="${place}rotate(${rotation.toFixed(1)})${scale}">${DRAWINGS[kind](color)}</g>`
}

const DRAWINGS: Readonly<Record<Thing['kind'], (color: string) => string>> = {
  plate: (color) =>
    '<ellipse cy="3" rx="51" ry="47" fill-opacity=".25"/>' +
    `<ellipse rx="50" ry="45" fill="${color}"/>` +
    '<ellipse rx="50" ry="45" fill="#fff" fill-opacity=".55"/>' +
    `<ellipse cy="1" rx="37" ry="33" fill="${color}" fill-opacity=".5"/>` +
    '<ellipse cy="2" rx="36" ry="32" fill="#fff" fill-opacity=".45"/>',
  board: (color) =>
    '<rect x="-50" y="-33" width="100" height="70" rx="8" fill-opacity=".3"/>' +
    `<rect x="-50" y="-35" width="100" height="70" rx="8" fill="${color}"/>` +
    '<path d="M-46-18H40M-44 0H46M-46 17H30" stroke="#3b2410" stroke-opacity=".22" stroke-width="2"/>' +
    '<circle cx="42" cy="-27" r="4" fill="#2a1a0c" fill-opacity=".6"/>',
  napkin: (color) =>
    '<path d="M-48-40L50-46L44 48L-50 42z" fill-opacity=".22"/>' +
    `<path d="M-50-42L48-48L42 45L-52 40z" fill="${color}"/>` +
    '<path d="M-50-42L48-48L-4 2z" fill="#fff" fill-opacity=".18"/>' +
    '<path d="M-44-36L42-42L36 39L-46 34z" fill="none" stroke="#fff" stroke-opacity=".7" stroke-width="2"/>',
  leaf: (color) =>
    '<path d="M-48 6Q0-42 50 6Q0 42-48 6" fill-opacity=".25"/>' +
    `<path d="M-50 0Q0-48 50 0Q0 36-50 0" fill="${color}"/>` +
    '<path d="M-50 0Q0 36 50 0Q0 6-50 0" fill-opacity=".16"/>' +
    '<path d="M-62 4Q0-8 44 0M-22-1L-8-16M0-3L14-15M-20 1L-4 12M4 0L18 9" fill="none" stroke="#fff" stroke-opacity=".4" stroke-width="2"/>',
  // Three fingers whose tips lie at the origin; the hand is to the right.
  fingers: (color) =>
    `${[-30, 0, 29]
      .map((y, index) => {
        const from = [4, -8, 2][index] ?? 0
        return (
          `<path d="M${from} ${y}H400" stroke-opacity=".22" stroke="#000" stroke-width="29" stroke-linecap="round" transform="translate(2 5)"/>` +
          `<path d="M${from} ${y}H400" stroke="${color}" stroke-width="27" stroke-linecap="round"/>` +
          `<path d="M${from + 4} ${y - 6}H400" stroke="#fff" stroke-opacity=".2" stroke-width="7" stroke-linecap="round"/>` +
          `<ellipse cx="${from - 4}" cy="${y}" rx="7" ry="8" fill="#fff" fill-opacity=".38"/>`
        )
      })
      .join('')}<rect x="95" y="-52" width="320" height="100" rx="34" fill="${color}"/>`,
  cup: (color) =>
    '<ellipse cx="2" cy="46" rx="44" ry="10" fill-opacity=".3"/>' +
    `<ellipse cx="38" cy="4" rx="19" ry="22" fill="none" stroke="${color}" stroke-width="9"/>` +
    `<path d="M-38-40H38L32 36Q30 46 18 46H-18Q-30 46-32 36z" fill="${color}"/>` +
    '<path d="M-38-40H-22L-18 46Q-30 46-32 36z" fill="#fff" fill-opacity=".3"/>' +
    '<path d="M38-40H20L16 46Q30 46 32 36z" fill-opacity=".16"/>' +
    '<ellipse cy="-40" rx="38" ry="9" fill="#fff" fill-opacity=".65"/><ellipse cy="-39" rx="33" ry="6.5" fill="#5a3b25"/>',
  knife: (color) =>
    '<path d="M-100 4H10V14H-92z" fill-opacity=".25"/>' +
    '<path d="M-104 0Q-70-16 10-13V7H-84Q-98 7-104 0" fill="#dfe4e8"/>' +
    '<path d="M-104 0Q-96 7-84 7H10V2z" fill="#fff" fill-opacity=".7"/>' +
    `<rect x="8" y="-14" width="84" height="22" rx="8" fill="${color}"/>` +
    '<rect x="12" y="-11" width="76" height="5" rx="2" fill="#fff" fill-opacity=".3"/>',
  tag: (color) =>
    '<ellipse cx="1" cy="2" rx="50" ry="39" fill-opacity=".25"/>' +
    `<ellipse rx="50" ry="38" fill="${color}"/><ellipse rx="43" ry="31" fill="#fff" fill-opacity=".8"/>` +
    `<path d="M-26-8H26M-20 4H20M-12 15H12" stroke="${color}" stroke-width="6" stroke-linecap="round"/>`,
  // Something right before the lens, far out of focus.
  haze: (color) =>
    `<radialGradient id="haze"><stop offset=".3" stop-color="${color}" stop-opacity=".8"/><stop offset="1" stop-color="${color}" stop-opacity="0"/></radialGradient>` +
    '<circle r="62" fill="url(#haze)"/>',
}
