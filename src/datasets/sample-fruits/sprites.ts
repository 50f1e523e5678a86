/** The drawings as pictures that a photo can be composed of, each rendered once. */
import { readFile } from 'node:fs/promises'
import type Sharp from 'sharp'
import { packagePath } from '../../core/version.ts'
import type { IconSet } from './icon-sets.ts'
import type { Finish } from './scene.ts'

/** Sides in pixels. A drawing is taken in the smallest that is not enlarged, so that nothing shrinks by half or more. */
const SIDES = [100, 140, 200, 288] as const
const LARGEST = 288

/** Side of a shadow in pixels, and of the drawing in it: the rest is what its blur needs. */
const SHADOW_SIDE = 96
const SHADOW_INNER = 64
const SHADOW_BLUR = 4

/** How much larger than the drawing its shadow's picture is. */
export const SHADOW_SCALE = SHADOW_SIDE / SHADOW_INNER

/** PNGs with transparency, as `data:` addresses. */
export interface Sprite {
  /** The picture for a fruit of `size` pixels. */
  pictureFor(size: number): string
  readonly shadow: string
}

/** Renders drawings when they are first asked for. */
export class SpriteSource {
  readonly #sharp: typeof Sharp
  readonly #sprites = new Map<string, Promise<Sprite>>()

  constructor(sharp: typeof Sharp) {
    this.#sharp = sharp
  }

  load(set: IconSet['name'], icon: string, finish: Finish): Promise<Sprite> {
    const name = `${set}/${icon}`
    const known = this.#sprites.get(`${finish} ${name}`)
    if (known !== undefined) return known
    const sprite = this.#render(packagePath(`assets/sample-fruits/${name}.svg`), finish)
    this.#sprites.set(`${finish} ${name}`, sprite)
    return sprite
  }

  async #render(path: string, finish: Finish): Promise<Sprite> {
    const drawing = await readFile(path, 'utf8')
    const svg = Buffer.from(finish === 'modelled' ? modelled(drawing) : sized(drawing))
    const picture = await this.#sharp(svg).ensureAlpha().png({ compressionLevel: 3 }).toBuffer()
    const pictures = await Promise.all(
      SIDES.map(async (side) => {
        const png =
          side === LARGEST
            ? picture
            : await this.#sharp(picture).resize(side, side).png().toBuffer()
        return [side, dataUrl(png)] as const
      }),
    )
    const shadow = dataUrl(await this.#shadowOf(picture))
    const largest = dataUrl(picture)
    return {
      pictureFor: (size) => pictures.find(([side]) => side >= size)?.[1] ?? largest,
      shadow,
    }
  }

  /** The outline in black, blurred. */
  #shadowOf(picture: Buffer): Promise<Buffer> {
    const margin = (SHADOW_SIDE - SHADOW_INNER) / 2
    return this.#sharp(picture)
      .resize(SHADOW_INNER, SHADOW_INNER)
      .extend({ top: margin, bottom: margin, left: margin, right: margin, background: '#0000' })
      .blur(SHADOW_BLUR)
      .linear([0, 0, 0, 1], [0, 0, 0, 0])
      .png()
      .toBuffer()
  }
}

const dataUrl = (png: Buffer): string => `data:image/png;base64,${png.toString('base64')}`

const sized = (drawing: string): string =>
  drawing.replace('<svg ', `<svg width="${LARGEST}" height="${LARGEST}" `)

/** Flat colours become a body: a dark rim away from the light, a soft shine towards it, and a skin that is not even. */
function modelled(drawing: string): string {
  const [, side = '32', body = ''] =
    /^<svg [^>]*viewBox="0 0 (\d+) \d+">(.*)<\/svg>\s*$/s.exec(drawing) ?? []
  const unit = Number(side) / 100
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LARGEST}" height="${LARGEST}" viewBox="0 0 ${side} ${side}">` +
    '<filter id="volume" filterUnits="userSpaceOnUse" x="0" y="0" width="100%" height="100%" color-interpolation-filters="sRGB">' +
    `<feGaussianBlur in="SourceAlpha" stdDeviation="${8 * unit}"/><feOffset dx="${-7 * unit}" dy="${-8 * unit}" result="lit"/>` +
    '<feComposite in="SourceAlpha" in2="lit" operator="out" result="rim"/>' +
    '<feFlood flood-color="#2a0d24" flood-opacity=".55"/><feComposite in2="rim" operator="in" result="shade"/>' +
    `<feGaussianBlur in="SourceAlpha" stdDeviation="${9 * unit}"/><feOffset dx="${10 * unit}" dy="${11 * unit}" result="far"/>` +
    '<feComposite in="SourceAlpha" in2="far" operator="out" result="edge"/>' +
    '<feFlood flood-color="#fffbe8" flood-opacity=".4"/><feComposite in2="edge" operator="in" result="shine"/>' +
    `<feTurbulence type="fractalNoise" baseFrequency="${0.14 / unit}" numOctaves="2" seed="7"/>` +
    '<feColorMatrix values="0 0 0 0 .25  0 0 0 0 .1  0 0 0 0 0  .3 0 0 0 -.1"/>' +
    '<feComposite in2="SourceAlpha" operator="in" result="skin"/>' +
    '<feMerge><feMergeNode in="SourceGraphic"/><feMergeNode in="skin"/><feMergeNode in="shade"/><feMergeNode in="shine"/></feMerge>' +
    `</filter><g filter="url(#volume)">${body}</g></svg>`
  )
}
