/** Grain of surfaces and of film: grey tiles made once, of which each photo gets a piece of its own. */
import type Sharp from 'sharp'
import type { OverlayOptions } from 'sharp'
import { TEXTURES, type TextureName, type TextureUse } from './scene.ts'

/** Side of a tile in pixels: twice that of a photo, so pieces differ. */
const TILE_SIDE = 640

/** Parameters of SVG's `feTurbulence`: waves per pixel across and down, and how much the grey moves about its mean. */
const TURBULENCE: Readonly<
  Record<TextureName, { across: number; down: number; octaves: number; gain: number }>
> = {
  wood: { across: 0.006, down: 0.13, octaves: 4, gain: 2.6 },
  'wood-upright': { across: 0.13, down: 0.006, octaves: 4, gain: 2.6 },
  weave: { across: 0.42, down: 0.42, octaves: 2, gain: 2.2 },
  cloud: { across: 0.012, down: 0.016, octaves: 5, gain: 3 },
  blades: { across: 0.16, down: 0.05, octaves: 3, gain: 3 },
  film: { across: 0.85, down: 0.85, octaves: 1, gain: 2 },
}

/** Makes tiles when they are first asked for, each in about a tenth of a second. */
export class TextureSource {
  readonly #sharp: typeof Sharp
  /** RGBA, `[640, 640, 4]`; the mean is the grey that leaves colours as they are. */
  readonly #tiles = new Map<TextureName, Promise<Uint8Array>>()

  constructor(sharp: typeof Sharp) {
    this.#sharp = sharp
  }

  /** A piece of a tile, as sharp composites it: `[height, width, 4]`, with the strength as its opacity. */
  async cut(use: TextureUse, width: number, height: number): Promise<OverlayOptions> {
    const tile = await this.#tile(use.name)
    const x = Math.floor(use.left * (TILE_SIDE - width))
    const y = Math.floor(use.top * (TILE_SIDE - height))
    const piece = Buffer.alloc(width * height * 4)
    for (let row = 0; row < height; row++) {
      const start = ((y + row) * TILE_SIDE + x) * 4
      piece.set(tile.subarray(start, start + width * 4), row * width * 4)
    }
    const opacity = Math.round(255 * use.strength)
    for (let at = 3; at < piece.length; at += 4) piece[at] = opacity
    return { input: piece, raw: { width, height, channels: 4 }, blend: 'soft-light' }
  }

  #tile(name: TextureName): Promise<Uint8Array> {
    const known = this.#tiles.get(name)
    if (known !== undefined) return known
    const svg = Buffer.from(turbulence(name))
    const tile = this.#sharp(svg).ensureAlpha().raw().toBuffer()
    this.#tiles.set(name, tile)
    return tile
  }
}

function turbulence(name: TextureName): string {
  const { across, down, octaves, gain } = TURBULENCE[name]
  // Red becomes every channel, spread about the middle; the result is opaque.
  const row = `${gain} 0 0 0 ${(1 - gain) / 2} `
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE_SIDE}" height="${TILE_SIDE}">` +
    '<filter id="f" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">' +
    `<feTurbulence type="fractalNoise" baseFrequency="${across} ${down}" numOctaves="${octaves}" seed="${TEXTURES.indexOf(name)}"/>` +
    `<feColorMatrix values="${row.repeat(3)}0 0 0 0 1"/></filter>` +
    `<rect width="${TILE_SIDE}" height="${TILE_SIDE}" filter="url(#f)"/></svg>`
  )
}
