/** Backdrops as SVG: everything a photo shows behind its fruit, drawn of simple shapes. */
import { type Choices, Random } from './random.ts'
import type { Backdrop, BackdropKind, Palette } from './scene.ts'

interface Ground {
  readonly width: number
  readonly height: number
  readonly palette: Palette
  readonly random: Random
}

/** The elements of an SVG of `width` × `height` pixels that fill it. */
export function drawBackdrop(backdrop: Backdrop, width: number, height: number): string {
  const { kind, palette, seed } = backdrop
  return DRAWINGS[kind]({ width, height, palette, random: new Random(seed) })
}

const DRAWINGS: Readonly<Record<BackdropKind, (ground: Ground) => string>> = {
  studio,
  table,
  planks,
  gingham,
  stripes,
  dots,
  tiles,
  marble,
  linen: ({ palette: [light, middle], ...ground }) => fill(ground, light, middle),
  basket,
  leaves,
  bokeh,
  garden,
  window: windowLight,
}

type Frame = Pick<Ground, 'width' | 'height'>

/** One decimal is a tenth of a pixel. */
const round = (value: number): number => Math.round(value * 10) / 10

const rect = (x: number, y: number, width: number, height: number, paint: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" ${paint}/>`

/** The frame in one colour that runs into another. */
function fill({ width, height }: Frame, from: string, to: string): string {
  return (
    `<linearGradient id="fill" x2=".6" y2="1"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/>` +
    `</linearGradient><rect width="${width}" height="${height}" fill="url(#fill)"/>`
  )
}

/**
 * Lines at equal distances that cover the frame and are turned about its centre; `down` makes them upright. One path of
 * strokes is drawn ten times faster than an SVG pattern.
 */
function lines(
  { width, height }: Frame,
  distance: number,
  { paint, down = false, shift = 0 }: { paint: string; down?: boolean; shift?: number },
): string {
  // Half the diagonal reaches every corner at any turn.
  const reach = Math.ceil(Math.hypot(width, height) / 2)
  let path = ''
  for (let at = -reach + shift; at <= reach; at += distance) {
    path += down ? `M${round(at)} ${-reach}V${reach}` : `M${-reach} ${round(at)}H${reach}`
  }
  return `<path d="${path}" fill="none" ${paint}/>`
}

/** Elements drawn about the origin → the frame over `color`, with them turned about its centre. */
function turned({ width, height, random }: Ground, color: string, elements: string): string {
  return (
    rect(0, 0, width, height, `fill="${color}"`) +
    `<g transform="translate(${width / 2} ${height / 2})rotate(${random.integer(-45, 45)})">${elements}</g>`
  )
}

function studio({ width, height, palette: [light, middle, dark], random }: Ground): string {
  const centre = `cx="${round(random.between(0.25, 0.75))}" cy="${round(random.between(0.2, 0.6))}"`
  return (
    `<radialGradient id="wall" ${centre} r=".8"><stop stop-color="${light}"/><stop offset=".7" stop-color="${middle}"/>` +
    `<stop offset="1.2" stop-color="${dark}"/></radialGradient><rect width="${width}" height="${height}" fill="url(#wall)"/>`
  )
}

function table({ width, height, palette: [light, middle, dark], random }: Ground): string {
  const horizon = height * random.between(0.35, 0.62)
  const wall = random.chance(0.5)
    ? fill({ width, height }, light, middle)
    : fill({ width, height }, dark, middle)
  const wood = random.pick(['#c58f5a', '#8d5b36', '#e2c49c', '#5c3b27', middle])
  return (
    wall +
    rect(0, horizon, width, height, `fill="${wood}"`) +
    `<linearGradient id="depth" x2="0" y2="1"><stop stop-opacity=".35"/><stop offset=".5" stop-opacity="0"/></linearGradient>` +
    rect(0, horizon, width, height - horizon, 'fill="url(#depth)"') +
    rect(0, horizon, width, 2, 'fill="#fff" fill-opacity=".35"')
  )
}

function planks({ width, height, random }: Ground): string {
  const wood = random.pick(['#b98250', '#8a5a38', '#d9b98f', '#6a4a37', '#a9a29a', '#e8ddcb'])
  const count = random.integer(3, 6)
  const breadth = height / count
  const boards = Array.from({ length: count }, (_, index) => {
    const tone = random.chance(0.5) ? '#000' : '#fff'
    const joint = random.between(0, width)
    return (
      rect(
        0,
        index * breadth,
        width,
        breadth,
        `fill="${tone}" fill-opacity="${round(random.between(0, 0.2))}"`,
      ) +
      rect(0, index * breadth, width, 2, 'fill="#1c0f06" fill-opacity=".55"') +
      rect(joint, index * breadth, 1.5, breadth, 'fill="#1c0f06" fill-opacity=".4"')
    )
  })
  return rect(0, 0, width, height, `fill="${wood}"`) + boards.join('')
}

function gingham(ground: Ground): string {
  const { palette, random } = ground
  const side = random.between(26, 64)
  const color = random.pick([palette[1], palette[2], '#c0392b', '#2d6fa3', '#3f8a55'])
  const paint = `stroke="${color}" stroke-opacity=".5" stroke-width="${round(side / 2)}"`
  return turned(
    ground,
    '#fbf8f2',
    lines(ground, side, { paint }) + lines(ground, side, { paint, down: true }),
  )
}

function stripes(ground: Ground): string {
  const {
    palette: [light, middle, dark],
    random,
  } = ground
  const side = random.between(22, 70)
  const broad = random.between(0.2, 0.6) * side
  return turned(
    ground,
    light,
    lines(ground, side, { paint: `stroke="${middle}" stroke-width="${round(broad)}"` }) +
      lines(ground, side, {
        paint: `stroke="${dark}" stroke-width="${round(side * 0.06)}"`,
        shift: broad / 2 + side * 0.1,
      }),
  )
}

function dots(ground: Ground): string {
  const {
    palette: [light, middle],
    random,
  } = ground
  const side = random.between(24, 56)
  const [cloth, dot] = random.chance(0.5) ? [middle, light] : [light, middle]
  // A dash without length and with round ends is a dot.
  const paint = `stroke="${dot}" stroke-width="${round(side * 0.34)}" stroke-linecap="round" stroke-dasharray="0 ${round(side)}"`
  return turned(
    ground,
    cloth,
    lines(ground, side, { paint }) +
      lines(ground, side, {
        paint: `${paint} stroke-dashoffset="${round(side / 2)}"`,
        shift: side / 2,
      }),
  )
}

function tiles(ground: Ground): string {
  const {
    palette: [light, middle, dark],
    random,
  } = ground
  const side = random.between(40, 90)
  const shine = `stroke="#fff" stroke-opacity=".35" stroke-width="${round(side * 0.3)}"`
  const joint = `stroke="${random.chance(0.5) ? middle : dark}" stroke-width="3.5"`
  return turned(
    ground,
    light,
    lines(ground, side, { paint: shine, shift: side * 0.22 }) +
      lines(ground, side, { paint: joint }) +
      lines(ground, side, { paint: joint, down: true }),
  )
}

function marble({ width, height, palette: [light, , dark], random }: Ground): string {
  const stone = random.pick(['#f4f2ef', '#e9e6e1', '#3a3d42', light])
  const vein = stone === '#3a3d42' ? '#d9d4c8' : dark
  const veins = Array.from({ length: random.integer(4, 8) }, () => {
    const y = random.between(-0.3, 1.1) * height
    const bend = () => round(y + random.between(-0.35, 0.55) * height)
    return (
      `<path d="M-10 ${round(y)}C${round(width * 0.3)} ${bend()} ${round(width * 0.6)} ${bend()} ${width + 10} ${bend()}" ` +
      `fill="none" stroke="${vein}" stroke-opacity="${round(random.between(0.1, 0.4))}" stroke-width="${round(random.between(0.6, 4))}"/>`
    )
  })
  return rect(0, 0, width, height, `fill="${stone}"`) + veins.join('')
}

/** Canes across that show between canes upright, each row half a step on. */
function basket(ground: Ground): string {
  const { random } = ground
  const side = random.between(14, 26)
  const cane = random.pick(['#c9a066', '#a87b45', '#e0c594', '#8a6238'])
  const dash = `stroke-dasharray="${round(side * 1.1)} ${round(side * 0.9)}"`
  const weave = (color: string, opacity: number, breadth: number, lift: number) =>
    [0, 1]
      .map((row) =>
        lines(ground, side * 2, {
          paint: `stroke="${color}" stroke-opacity="${opacity}" stroke-width="${round(breadth)}" ${dash} stroke-dashoffset="${round(row * side)}"`,
          shift: row * side + lift,
        }),
      )
      .join('')
  const upright = `stroke="${cane}" stroke-opacity=".75" stroke-width="${round(side * 0.7)}"`
  return turned(
    ground,
    '#4a3218',
    lines(ground, side, { paint: upright, down: true, shift: side * 0.05 }) +
      weave('#2c1b0b', 0.5, side * 0.95, 0) +
      weave(cane, 1, side * 0.8, 0) +
      weave('#ffffff', 0.25, side * 0.2, -side * 0.2),
  )
}

function leaves({ width, height, random }: Ground): string {
  const shades: Choices<string> = ['#2c5a34', '#3f7a3f', '#5c9648', '#83b25a', '#a9c77a', '#214a33']
  const foliage = Array.from({ length: random.integer(30, 46) }, () => {
    const length = random.between(34, 90)
    const turn = random.integer(0, 359)
    const at = `${round(random.between(0, width))} ${round(random.between(0, height))}`
    return (
      `<g transform="translate(${at})rotate(${turn})scale(${round(length / 8)})">` +
      `<path d="M-5 0Q0-4.4 5 0Q0 4.4-5 0" fill="${random.pick(shades)}"/>` +
      '<path d="M-5 0H4" stroke="#fff" stroke-opacity=".25" stroke-width=".25"/></g>'
    )
  })
  return rect(0, 0, width, height, 'fill="#2a5433"') + foliage.join('')
}

function bokeh({ width, height, palette: [light, middle, dark], random }: Ground): string {
  const lamps = Array.from({ length: random.integer(14, 30) }, () => {
    const color = random.pick([light, middle, '#ffe9b8', '#ffffff', '#ffd0a8'])
    const at = `cx="${round(random.between(0, width))}" cy="${round(random.between(0, height))}"`
    return `<circle ${at} r="${round(random.between(6, 34))}" fill="${color}" fill-opacity="${round(random.between(0.15, 0.6))}"/>`
  })
  return fill({ width, height }, dark, random.chance(0.5) ? '#20242b' : middle) + lamps.join('')
}

function garden({ width, height, random }: Ground): string {
  const sky = random.pick(['#bfe0f2', '#dcebf0', '#f7dfc0', '#a9cfe8', '#f4e6d8'])
  const grass = random.pick(['#7fae55', '#9dbb62', '#5f8f4a', '#b7b469'])
  const horizon = height * random.between(0.3, 0.6)
  const hill = (lift: number, color: string) =>
    `<path d="M0 ${round(horizon)}Q${round(random.between(0.2, 0.8) * width)} ${round(horizon - lift)} ${width} ${round(horizon)}V${height}H0z" fill="${color}"/>`
  const bushes = Array.from({ length: random.integer(3, 8) }, () => {
    const r = random.between(10, 34)
    return `<circle cx="${round(random.between(0, width))}" cy="${round(horizon - r * 0.3)}" r="${round(r)}" fill="${random.pick(['#47763f', '#5d8f4c', '#39633c'])}"/>`
  })
  return (
    fill({ width, height }, sky, '#ffffff') +
    hill(70, '#8fb08a') +
    bushes.join('') +
    hill(24, grass)
  )
}

/** A wall that the sun shines on through a window. */
function windowLight({ width, height, palette: [light, middle, dark], random }: Ground): string {
  const side = random.between(50, 90)
  const at = `${round(random.between(-0.1, 0.4) * width)} ${round(random.between(-0.1, 0.3) * height)}`
  const panes = [0, 1, 2, 3].map((index) =>
    rect(
      (index % 2) * side * 1.15,
      Math.floor(index / 2) * side * 1.4,
      side,
      side * 1.25,
      'fill="#fff6dc" fill-opacity=".5"',
    ),
  )
  const wall = random.chance(0.5)
    ? fill({ width, height }, middle, light)
    : fill({ width, height }, middle, dark)
  return `${wall}<g transform="translate(${at})skewX(${random.integer(-30, 30)})skewY(${random.integer(-14, 14)})">${panes.join('')}</g>`
}
