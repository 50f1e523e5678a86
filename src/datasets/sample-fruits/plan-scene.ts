/** Chooses what stands on a photo: where the fruit lies, on what, in which light, and what the camera makes of it. */
import type { Choices, Random } from './random.ts'
import {
  BACKDROPS,
  type Backdrop,
  type BackdropKind,
  type Camera,
  type Finish,
  type Fruit,
  type Light,
  type Palette,
  type Scene,
  type TextureName,
  type TextureUse,
  type Thing,
} from './scene.ts'

type Size = readonly [width: number, height: number]

/** 256 to 320 pixels a side. */
const FRAMES: Choices<Size> = [
  [256, 256],
  [288, 288],
  [288, 256],
  [256, 288],
  [320, 256],
  [256, 320],
]

const PALETTES: Choices<Palette> = [
  ['#f6e7d3', '#d3a373', '#7a4b2a'],
  ['#eef2f4', '#bccad2', '#5b7482'],
  ['#fdf1e6', '#f0b9a8', '#c9604f'],
  ['#edf4e7', '#afcaa1', '#527a55'],
  ['#fff5d8', '#f3d27c', '#c58f2a'],
  ['#f0edf8', '#bdb2de', '#655a96'],
  ['#e6f5f4', '#93cfce', '#2d7a81'],
  ['#9aa3b2', '#555c69', '#2c2f37'],
  ['#f9e6ea', '#e6a3b6', '#9f4866'],
  ['#f5f1ea', '#d2c7b6', '#8a7b67'],
  ['#8dbdd2', '#35677f', '#1f3a49'],
  ['#c59a70', '#7a543a', '#40291c'],
  ['#ffffff', '#e4e6e8', '#a5abb0'],
  ['#f3d9b8', '#b9743f', '#5b3017'],
]

/** Grain that belongs to a surface, and how strong it may be. */
const SURFACES: Readonly<
  Partial<Record<BackdropKind, { names: Choices<TextureName>; most: number }>>
> = {
  table: { names: ['wood'], most: 0.7 },
  planks: { names: ['wood'], most: 0.9 },
  gingham: { names: ['weave'], most: 0.6 },
  stripes: { names: ['weave'], most: 0.6 },
  dots: { names: ['weave'], most: 0.5 },
  marble: { names: ['cloud'], most: 0.5 },
  linen: { names: ['weave', 'cloud'], most: 0.8 },
  basket: { names: ['wood', 'wood-upright'], most: 0.6 },
  garden: { names: ['blades'], most: 0.6 },
  studio: { names: ['cloud'], most: 0.3 },
}

const SKINS: Choices<string> = ['#f3cdb2', '#e0ac88', '#c58c63', '#96623f', '#6a4329']
const LIGHTS: Choices<string> = ['#ffffff', '#fff3d6', '#ffe2b0', '#e3efff']

type ThingKind = Thing['kind']
const UNDER: Choices<ThingKind> = ['plate', 'plate', 'board', 'napkin']
const BESIDE: Choices<ThingKind> = ['leaf', 'cup', 'knife']
const OVER: Choices<ThingKind> = [
  'leaf',
  'leaf',
  'fingers',
  'fingers',
  'cup',
  'knife',
  'tag',
  'haze',
]

const FINISHES: Choices<Finish> = ['drawn', 'drawn', 'modelled', 'modelled', 'inked']

/** Shares of photos. */
const SEVERAL = 0.35
/** Of the further fruits of a photo. */
const OF_ANOTHER_DRAWING = 0.3
const HIDDEN = 0.35
const ON_SOMETHING = 0.4
const OUT_OF_FOCUS = 0.5
const UNSHARP = 0.25
const GRAINY = 0.6

/** Drawings of one kind: `lead` is on the photo, and where there are several fruits, `other` may be too. */
export interface Icons {
  readonly lead: string
  readonly other: string
}

export function planScene(random: Random, icons: Icons): Scene {
  const [width, height] = random.pick(FRAMES)
  const light = planLight(random)
  const backdrop = planBackdrop(random)
  const fruits = planFruits(random, { width, height, light, icons })
  return {
    width,
    height,
    backdrop,
    texture: planTexture(random, backdrop),
    behind: planBehind(random, fruits),
    fruits,
    before: planBefore(random, fruits),
    light,
    camera: planCamera(random),
  }
}

function planBackdrop(random: Random): Backdrop {
  return {
    kind: random.pick(BACKDROPS),
    palette: random.pick(PALETTES),
    seed: `backdrop ${random.next()}`,
    blur: random.chance(OUT_OF_FOCUS) ? random.between(1.5, 6) : 0,
  }
}

function planTexture(random: Random, { kind, blur }: Backdrop): TextureUse | undefined {
  const surface = SURFACES[kind]
  if (surface === undefined || blur > 0) return undefined
  return textureUse(random, random.pick(surface.names), random.between(0.3, 1) * surface.most)
}

function textureUse(random: Random, name: TextureName, strength: number): TextureUse {
  return { name, left: random.next(), top: random.next(), strength }
}

interface Ground {
  readonly width: number
  readonly height: number
  readonly light: Light
  readonly icons: Icons
}

/** One fruit of 55 to 95 % of the frame, or two to four of 34 to 52 % that do not hide each other. */
function planFruits(random: Random, ground: Ground): readonly Fruit[] {
  const side = Math.min(ground.width, ground.height)
  if (!random.chance(SEVERAL)) {
    return [planFruit(random, ground, { size: side * random.between(0.55, 0.95), index: 0 })]
  }
  const size = side * random.between(0.38, 0.5)
  const wanted = random.integer(2, 4)
  const fruits: Fruit[] = []
  // Twelve tries find room for nearly every fruit; where they do not, the photo has one fewer.
  for (let attempt = 0; attempt < 12 * wanted && fruits.length < wanted; attempt++) {
    const own = size * random.between(0.85, 1.05)
    const fruit = planFruit(random, ground, { size: own, index: fruits.length })
    if (fruits.every((other) => distance(fruit, other) > 0.75 * size)) fruits.push(fruit)
  }
  return fruits.sort((a, b) => a.y - b.y)
}

function planFruit(
  random: Random,
  { width, height, light, icons }: Ground,
  { size, index }: { readonly size: number; readonly index: number },
): Fruit {
  // A leaf or a stem may lie outside the frame.
  const room = (extent: number) => Math.max(0, extent / 2 - 0.47 * size)
  const thickness = random.between(0.02, 0.09) * size
  const towards = ((light.angle + 180) * Math.PI) / 180
  const isStanding = random.chance(0.4)
  return {
    icon: index > 0 && random.chance(OF_ANOTHER_DRAWING) ? icons.other : icons.lead,
    finish: random.pick(FINISHES),
    x: width / 2 + random.between(-1, 1) * room(width),
    y: height / 2 + random.between(-1, 1) * room(height),
    size,
    rotation: random.chance(0.7) ? random.between(-28, 28) : random.between(-100, 100),
    isMirrored: random.chance(0.5),
    slant: random.between(-6, 6),
    squeeze: random.between(0.93, 1.04),
    shadow: {
      dx: Math.cos(towards) * thickness,
      dy: isStanding ? 0.42 * size : Math.sin(towards) * thickness + 0.03 * size,
      squeeze: isStanding ? random.between(0.18, 0.3) : 1,
      opacity: random.between(0.35, 0.75),
    },
  }
}

function planBehind(random: Random, fruits: readonly Fruit[]): readonly Thing[] {
  const [fruit] = fruits
  if (fruit === undefined || !random.chance(ON_SOMETHING)) return []
  const isUnder = random.chance(0.6)
  const kind = random.pick(isUnder ? UNDER : BESIDE)
  const away = random.between(0, 2 * Math.PI)
  const reach = isUnder ? 0.1 * fruit.size : 0.6 * fruit.size
  return [
    {
      kind,
      x: fruit.x + Math.cos(away) * reach,
      y: fruit.y + Math.sin(away) * reach + (isUnder ? 0.12 * fruit.size : 0),
      size: fruit.size * random.between(isUnder ? 1.2 : 0.5, isUnder ? 1.7 : 0.9),
      rotation: random.between(-40, 40),
      color: colorOf(random, kind, random.pick(PALETTES)),
    },
  ]
}

/** Something over the rim of a fruit: it hides a third of it at most. */
function planBefore(random: Random, fruits: readonly Fruit[]): readonly Thing[] {
  if (!random.chance(HIDDEN)) return []
  const fruit = fruits[random.integer(0, fruits.length - 1)]
  if (fruit === undefined) return []
  const kind = random.pick(OVER)
  const away = random.between(0, 2 * Math.PI)
  const reach = kind === 'tag' ? 0.15 * fruit.size : 0.5 * fruit.size
  return [
    {
      kind,
      x: fruit.x + Math.cos(away) * reach,
      y: fruit.y + Math.sin(away) * reach,
      size: fruit.size * (kind === 'tag' ? random.between(0.14, 0.2) : random.between(0.34, 0.52)),
      rotation: turnOf(random, kind, away),
      color: colorOf(random, kind, random.pick(PALETTES)),
    },
  ]
}

/** Fingers reach in from where they came; cups and tags stand nearly upright. */
function turnOf(random: Random, kind: ThingKind, away: number): number {
  if (kind === 'fingers') return (away * 180) / Math.PI + random.between(-20, 20)
  return kind === 'cup' || kind === 'tag' ? random.between(-18, 18) : random.between(0, 360)
}

function colorOf(random: Random, kind: ThingKind, palette: Palette): string {
  if (kind === 'fingers') return random.pick(SKINS)
  if (kind === 'leaf') return random.pick(['#4f8f3a', '#2f6b3c', '#7fae4b', '#8a9a3c', '#a8763a'])
  if (kind === 'board') return random.pick(['#c9975f', '#a9713f', '#e0bd8d', '#6f4a2e'])
  if (kind === 'knife') return random.pick(['#3b3f46', '#6a4327', '#a02f2f', '#d9d4c8'])
  return random.pick(palette)
}

function planLight(random: Random): Light {
  return {
    angle: random.between(-160, -20),
    strength: random.between(0.05, 0.26),
    color: random.pick(LIGHTS),
    vignette: random.between(0, 0.35),
  }
}

function planCamera(random: Random): Camera {
  return {
    brightness: random.between(0.85, 1.15),
    contrast: random.between(0.85, 1.12),
    saturation: random.between(0.85, 1.15),
    hue: random.between(-5, 5),
    warmth: random.between(-1, 1),
    blur: random.chance(UNSHARP) ? random.between(0.5, 1.7) : 0,
    grain: random.chance(GRAINY)
      ? textureUse(random, 'film', random.between(0.1, 0.35))
      : undefined,
    quality: random.integer(74, 92),
  }
}

const distance = (a: Fruit, b: Fruit): number => Math.hypot(a.x - b.x, a.y - b.y)
