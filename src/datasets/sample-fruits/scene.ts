/** What stands on one photo of `sample-fruits`, as data. Lengths are pixels of the photo, angles degrees clockwise. */

/** Surfaces and places, each with light and colours of its own; chosen without regard to the fruit. */
export const BACKDROPS = [
  'studio',
  'table',
  'planks',
  'gingham',
  'stripes',
  'dots',
  'tiles',
  'marble',
  'linen',
  'basket',
  'leaves',
  'bokeh',
  'garden',
  'window',
] as const
export type BackdropKind = (typeof BACKDROPS)[number]

/** Light, middle and dark shade of one colour scheme. */
export type Palette = readonly [light: string, middle: string, dark: string]

export interface Backdrop {
  readonly kind: BackdropKind
  readonly palette: Palette
  /** Names the random numbers that its details are drawn with. */
  readonly seed: string
  /** Standard deviation in pixels of the blur of what is out of focus. */
  readonly blur: number
}

/** Grey grain that is laid over colours: see textures.ts. */
export const TEXTURES = ['wood', 'wood-upright', 'weave', 'cloud', 'blades', 'film'] as const
export type TextureName = (typeof TEXTURES)[number]

export interface TextureUse {
  readonly name: TextureName
  /** Where it is cut from its tile, as fractions of what is left to choose. */
  readonly left: number
  readonly top: number
  /** From 0, nothing, to 1. */
  readonly strength: number
}

/** How a drawing is rendered: as it is, with a body and a skin, or outlined. */
export type Finish = 'drawn' | 'modelled' | 'inked'

export interface Fruit {
  /** File of the drawing, without `.svg`. */
  readonly icon: string
  readonly finish: Finish
  /** Centre. */
  readonly x: number
  readonly y: number
  /** Side of the square that holds the drawing before it is turned. */
  readonly size: number
  readonly rotation: number
  readonly isMirrored: boolean
  /** Seen from the side: the slant of its upright axis, and its height as a fraction of its width. */
  readonly slant: number
  readonly squeeze: number
  readonly shadow: {
    readonly dx: number
    readonly dy: number
    readonly squeeze: number
    readonly opacity: number
  }
}

/** Things that lie behind the fruit or hide a part of it. */
export const THINGS = [
  'plate',
  'board',
  'napkin',
  'leaf',
  'fingers',
  'cup',
  'knife',
  'tag',
  'haze',
] as const

export interface Thing {
  readonly kind: (typeof THINGS)[number]
  readonly x: number
  readonly y: number
  readonly size: number
  readonly rotation: number
  readonly color: string
}

export interface Light {
  /** Where it comes from. */
  readonly angle: number
  /** Opacity of the brightest and of the darkest place, 0 to 1. */
  readonly strength: number
  readonly color: string
  /** Opacity of the corners' shade. */
  readonly vignette: number
}

export interface Camera {
  /** Factors around 1. */
  readonly brightness: number
  readonly contrast: number
  readonly saturation: number
  /** Degrees by which every hue is turned. */
  readonly hue: number
  /** From −1, cold, to 1, warm. */
  readonly warmth: number
  /** Standard deviation in pixels; 0 is sharp. */
  readonly blur: number
  readonly grain: TextureUse | undefined
  /** JPEG quality. */
  readonly quality: number
}

export interface Scene {
  readonly width: number
  readonly height: number
  readonly backdrop: Backdrop
  readonly texture: TextureUse | undefined
  /** From the back to the front, as are the fruits and the things before them. */
  readonly behind: readonly Thing[]
  readonly fruits: readonly Fruit[]
  readonly before: readonly Thing[]
  readonly light: Light
  readonly camera: Camera
}
