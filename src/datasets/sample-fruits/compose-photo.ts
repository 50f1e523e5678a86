/** One scene → the bytes of one photo. */
import type Sharp from 'sharp'
import { drawBackdrop } from './draw-backdrop.ts'
import { drawThing } from './draw-thing.ts'
import type { PlannedPhoto } from './plan-sample-fruits.ts'
import type { Camera, Fruit, Light, Scene } from './scene.ts'
import { SHADOW_SCALE, type Sprite, type SpriteSource } from './sprites.ts'
import type { TextureSource } from './textures.ts'

export interface Studio {
  readonly sharp: typeof Sharp
  readonly sprites: SpriteSource
  readonly textures: TextureSource
}

/** Gives a JPEG. The same plan gives the same bytes on one machine; libvips may round otherwise on another CPU. */
export async function composePhoto(
  { iconSet, scene }: PlannedPhoto,
  studio: Studio,
): Promise<Buffer> {
  const fruits = await Promise.all(
    scene.fruits.map(async (fruit) => {
      const { icon, finish, size } = fruit
      return drawFruit(fruit, await studio.sprites.load(iconSet.name, icon, finish, size))
    }),
  )
  return takePhoto(await layOut(scene, fruits, studio), scene, studio)
}

/** What is before the lens, as RGB `[height, width, 3]`; `fruits` are elements of its SVG. */
async function layOut(
  { width, height, backdrop, texture, behind, before, light, camera }: Scene,
  fruits: readonly string[],
  { sharp, textures }: Studio,
): Promise<Buffer> {
  const stage = sharp(svg(width, height, drawBackdrop(backdrop, width, height))).removeAlpha()
  if (backdrop.blur > 0) stage.blur(backdrop.blur)
  const front = [...behind.map(drawThing), ...fruits, ...before.map(drawThing), drawLight(light)]
  return stage
    .composite([
      ...(texture === undefined ? [] : [await textures.cut(texture, width, height)]),
      { input: svg(width, height, front.join('')) },
      ...(camera.grain === undefined ? [] : [await textures.cut(camera.grain, width, height)]),
    ])
    .removeAlpha()
    .raw()
    .toBuffer()
}

/** What the camera makes of it. */
function takePhoto(
  pixels: Buffer,
  { width, height, camera }: Scene,
  { sharp }: Studio,
): Promise<Buffer> {
  const photo = sharp(pixels, { raw: { width, height, channels: 3 } })
  if (camera.blur > 0) photo.blur(camera.blur)
  return photo
    .recomb(colorMatrix(camera))
    .linear(1, MIDDLE_GREY * (1 - camera.contrast))
    .jpeg({ quality: camera.quality })
    .toBuffer()
}

/** How far a warm or cold light moves red and blue. */
const WARMTH_GAIN = 0.09
/** Contrast turns about it. */
const MIDDLE_GREY = 128
/** Shares of red, green and blue in brightness. */
const LUMA = [0.213, 0.715, 0.072] as const

type Row = [number, number, number]

/**
 * Hue, saturation, warmth, brightness and contrast as one matrix: row i makes channel i of red, green and blue.
 * Hue and saturation as `hueRotate` and `saturate` of feColorMatrix in W3C Filter Effects Level 1, one after the other.
 */
function colorMatrix({ brightness, contrast, saturation, hue, warmth }: Camera): [Row, Row, Row] {
  const cos = saturation * Math.cos((hue * Math.PI) / 180)
  const sin = saturation * Math.sin((hue * Math.PI) / 180)
  const [red, green, blue] = LUMA
  const gain = brightness * contrast
  const row = (channelGain: number, inPhase: Row, quadrature: Row): Row => {
    const share = (luma: number, a: number, b: number) => channelGain * (luma + cos * a + sin * b)
    return [
      share(red, inPhase[0], quadrature[0]),
      share(green, inPhase[1], quadrature[1]),
      share(blue, inPhase[2], quadrature[2]),
    ]
  }
  return [
    row(gain * (1 + WARMTH_GAIN * warmth), [1 - red, -green, -blue], [-red, -green, 1 - blue]),
    row(gain, [-red, 1 - green, -blue], [0.143, 0.14, -0.283]),
    row(gain * (1 - WARMTH_GAIN * warmth), [-red, -green, 1 - blue], [red - 1, green, blue]),
  ]
}

const svg = (width: number, height: number, elements: string): Buffer =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${elements}</svg>`,
  )

function drawFruit(
  { x, y, size, rotation, isMirrored, slant, squeeze, shadow }: Fruit,
  sprite: Sprite,
): string {
  const place = (dx: number, dy: number) => `translate(${fixed(x + dx)} ${fixed(y + dy)})`
  const pose = `rotate(${fixed(rotation)})skewX(${fixed(slant)})scale(${isMirrored ? -1 : 1} ${fixed(squeeze)})`
  return (
    `<g transform="${place(shadow.dx, shadow.dy)}scale(1 ${fixed(shadow.squeeze)})${pose}" opacity="${fixed(shadow.opacity)}">` +
    `${image(sprite.shadow, size * SHADOW_SCALE)}</g>` +
    `<g transform="${place(0, 0)}${pose}">${image(sprite.picture, size)}</g>`
  )
}

/** A picture in a square around the origin. */
const image = (url: string, side: number): string =>
  `<image href="${url}" x="${fixed(-side / 2)}" y="${fixed(-side / 2)}" width="${fixed(side)}" height="${fixed(side)}"/>`

const fixed = (value: number): string => value.toFixed(3)

/** A brightness that fades across the frame into shade, and darker corners. */
function drawLight({ angle, strength, color, vignette }: Light): string {
  const dx = Math.cos((angle * Math.PI) / 180) / 2
  const dy = Math.sin((angle * Math.PI) / 180) / 2
  const ends = `x1="${fixed(0.5 + dx)}" y1="${fixed(0.5 + dy)}" x2="${fixed(0.5 - dx)}" y2="${fixed(0.5 - dy)}"`
  return (
    `<linearGradient id="light" ${ends}><stop stop-color="${color}" stop-opacity="${fixed(strength)}"/>` +
    `<stop offset=".5" stop-color="${color}" stop-opacity="0"/><stop offset=".5" stop-opacity="0"/>` +
    `<stop offset="1" stop-opacity="${fixed(strength)}"/></linearGradient>` +
    '<rect width="100%" height="100%" fill="url(#light)"/>' +
    '<radialGradient id="corners" r=".75"><stop offset=".6" stop-opacity="0"/>' +
    `<stop offset="1" stop-opacity="${fixed(vignette)}"/></radialGradient>` +
    '<rect width="100%" height="100%" fill="url(#corners)"/>'
  )
}
