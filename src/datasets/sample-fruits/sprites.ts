/** The drawings as pictures that a photo can be composed of, each rendered once. */
import { readFile } from 'node:fs/promises'
import type sharpModule from 'sharp'
import type { Sharp } from 'sharp'
import { VergerError } from '../../core/errors.ts'
import { packagePath } from '../../core/version.ts'
import type { IconSet } from './icon-sets.ts'
import type { Finish } from './scene.ts'

/** Sides in pixels. A drawing is taken in the smallest that is not enlarged; in the largest, a fruit that fills the frame. */
const SIDES = [96, 152, 224] as const
const LARGEST = 224

/** Side of a shadow in pixels, and of the drawing in it: the rest is what its blur needs. */
const SHADOW_SIDE = 96
const SHADOW_INNER = 64
const SHADOW_BLUR = 4

/** How much larger than the drawing its shadow's picture is. */
export const SHADOW_SCALE = SHADOW_SIDE / SHADOW_INNER

/** Pictures of one drawing: PNGs with transparency, as `data:` addresses. */
export interface Sprite {
  readonly picture: string
  readonly shadow: string
}

/** RGBA, `[224, 224, 4]`. */
type Pixels = Buffer

/** Renders drawings when they are first asked for, and each only once. */
export class SpriteSource {
  readonly #sharp: typeof sharpModule
  readonly #pixels = new Map<string, Promise<Pixels>>()
  readonly #pictures = new Map<string, Promise<string>>()

  constructor(sharp: typeof sharpModule) {
    this.#sharp = sharp
  }

  /** The pictures for a fruit of `size` pixels. */
  async load(set: IconSet['name'], icon: string, finish: Finish, size: number): Promise<Sprite> {
    const drawing = `${set}/${icon}`
    const side = SIDES.find((each) => each >= size) ?? LARGEST
    const [picture, shadow] = await Promise.all([
      once(this.#pictures, `${drawing} ${finish} ${side}`, async () =>
        this.#encode(this.#open(await this.#render(drawing, finish)).resize(side, side)),
      ),
      once(this.#pictures, `${drawing} ${finish} shadow`, async () =>
        this.#encode(this.#blacken(this.#open(await this.#render(drawing, finish)))),
      ),
    ])
    return { picture, shadow }
  }

  #render(drawing: string, finish: Finish): Promise<Pixels> {
    return once(this.#pixels, `${drawing} ${finish}`, async () => {
      const svg = await readFile(packagePath(`assets/sample-fruits/${drawing}.svg`), 'utf8')
      return this.#sharp(Buffer.from(finished(svg, finish)))
        .ensureAlpha()
        .raw()
        .toBuffer()
    })
  }

  #open(pixels: Pixels): Sharp {
    return this.#sharp(pixels, { raw: { width: LARGEST, height: LARGEST, channels: 4 } })
  }

  /** The outline in black, blurred. */
  #blacken(picture: Sharp): Sharp {
    const margin = (SHADOW_SIDE - SHADOW_INNER) / 2
    return picture
      .resize(SHADOW_INNER, SHADOW_INNER)
      .extend({ top: margin, bottom: margin, left: margin, right: margin, background: '#0000' })
      .blur(SHADOW_BLUR)
      .linear([0, 0, 0, 1], [0, 0, 0, 0])
  }

  async #encode(picture: Sharp): Promise<string> {
    const png = await picture.png({ compressionLevel: 3 }).toBuffer()
    return `data:image/png;base64,${png.toString('base64')}`
  }
}

/** The value of a key, made by the first who asks. */
function once<Value>(
  values: Map<string, Promise<Value>>,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = values.get(key)
  if (known !== undefined) return known
  const value = make()
  values.set(key, value)
  return value
}

/** The filter of each finish, for a drawing whose side is 100 `unit`s; `SourceGraphic` is the drawing. */
const FINISH_FILTERS: Readonly<Record<Exclude<Finish, 'drawn'>, (unit: number) => string>> = {
  // A dark rim away from the light, a soft shine towards it, and a skin that is not even.
  modelled: (unit) =>
    crescent(unit, { dx: -7, dy: -8, blur: 8, paint: '.16 .05 .14 .55', result: 'shade' }) +
    crescent(unit, { dx: 10, dy: 11, blur: 9, paint: '1 .98 .91 .4', result: 'shine' }) +
    `<feTurbulence type="fractalNoise" baseFrequency="${0.14 / unit}" numOctaves="2" seed="7"/>` +
    '<feColorMatrix values="0 0 0 0 .25  0 0 0 0 .1  0 0 0 0 0  .3 0 0 0 -.1"/>' +
    '<feComposite in2="SourceAlpha" operator="in" result="skin"/>' +
    merge('SourceGraphic', 'skin', 'shade', 'shine'),
  // Outlined, with shade and shine that have hard edges, as in comics.
  inked: (unit) =>
    crescent(unit, { dx: -6, dy: -5, blur: 0, paint: '.11 .04 .18 .3', result: 'shade' }) +
    crescent(unit, { dx: 4, dy: 5, blur: 0, paint: '1 1 1 .3', result: 'shine' }) +
    // A blur whose faint end is made opaque is a wider shape.
    `<feGaussianBlur in="SourceAlpha" stdDeviation="${1.3 * unit}"/>` +
    '<feColorMatrix values="0 0 0 0 .17  0 0 0 0 .1  0 0 0 0 .08  0 0 0 14 -1.2" result="outline"/>' +
    merge('outline', 'SourceGraphic', 'shade', 'shine'),
}

interface Crescent {
  /** How far the copy is moved away from the light, and blurred, in units. */
  readonly dx: number
  readonly dy: number
  readonly blur: number
  /** Red, green, blue and opacity, 0 to 1. */
  readonly paint: string
  readonly result: string
}

/** What is left of the drawing's shape when a moved copy is cut from it, painted. */
function crescent(unit: number, { dx, dy, blur, paint, result }: Crescent): string {
  const [red, green, blue, opacity] = paint.split(' ')
  const blurred =
    blur === 0 ? '' : `<feGaussianBlur in="SourceAlpha" stdDeviation="${blur * unit}"/>`
  const source = blur === 0 ? 'in="SourceAlpha" ' : ''
  return (
    `${blurred}<feOffset ${source}dx="${dx * unit}" dy="${dy * unit}" result="moved"/>` +
    '<feComposite in="SourceAlpha" in2="moved" operator="out"/>' +
    `<feColorMatrix values="0 0 0 0 ${red}  0 0 0 0 ${green}  0 0 0 0 ${blue}  0 0 0 ${opacity} 0" result="${result}"/>`
  )
}

const merge = (...layers: string[]): string =>
  `<feMerge>${layers.map((layer) => `<feMergeNode in="${layer}"/>`).join('')}</feMerge>`

/** The drawing through the filter of its finish. */
function finished(drawing: string, finish: Finish): string {
  if (finish === 'drawn') {
    return drawing.replace('<svg ', `<svg width="${LARGEST}" height="${LARGEST}" `)
  }
  const [, side, body] = /^<svg [^>]*viewBox="0 0 (\d+) \d+">(.*)<\/svg>\s*$/s.exec(drawing) ?? []
  if (side === undefined || body === undefined) {
    throw new VergerError('internal', `Expected an SVG with a viewBox at 0 0, received ${drawing}`)
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LARGEST}" height="${LARGEST}" viewBox="0 0 ${side} ${side}">` +
    '<filter id="finish" filterUnits="userSpaceOnUse" x="0" y="0" width="100%" height="100%" color-interpolation-filters="sRGB">' +
    `${FINISH_FILTERS[finish](Number(side) / 100)}</filter><g filter="url(#finish)">${body}</g></svg>`
  )
}
