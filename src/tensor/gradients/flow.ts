/** What flows between layers, forwards as results and backwards as gradients, in whichever order of numbers a rule reads. */
import type { Value } from '../graph-builder.ts'
import type { Shape } from '../network-shapes.ts'
import type { MapLayout, MapShape } from './map-layout.ts'

type Form = 'plain' | 'rows' | 'map'

/** A map `[n, c, h, w]` or a vector `[n, c]`. Each form is made once, when it is first asked for. */
export class Flow {
  readonly shape: Shape
  readonly #layout: MapLayout
  readonly photos: number
  readonly #forms: Partial<Record<Form, Value>>

  constructor(
    { layout, photos }: { readonly layout: MapLayout; readonly photos: number },
    shape: Shape,
    forms: Partial<Record<Form, Value>>,
  ) {
    this.shape = shape
    this.#layout = layout
    this.photos = photos
    this.#forms = { ...forms }
  }

  get isVector(): boolean {
    return this.shape.height === undefined
  }

  /** Throws where this is a vector; the shapes of a network are checked before. */
  get mapShape(): MapShape {
    const { channels, height, width } = this.shape
    if (height === undefined || width === undefined) {
      throw new RangeError(`Expected a map, received a vector of ${channels}`)
    }
    return { photos: this.photos, channels, height, width }
  }

  has(form: Form): boolean {
    return this.#forms[form] !== undefined
  }

  /** As ONNX orders numbers: `[n, c, h, w]`, or `[n, c]` of a vector. */
  plain(): Value {
    this.#forms.plain ??= this.#layout.toPlain(this.map(), this.mapShape)
    return this.#forms.plain
  }

  /** Channels of each position side by side: `[n · h · w, c]`; a vector is rows as it is. */
  rows(): Value {
    if (this.isVector) return this.plain()
    const { plain, map } = this.#forms
    // Blocks would be mostly zeros where there are fewer channels, as photos have.
    const isDirect =
      plain !== undefined && map === undefined && this.shape.channels < this.#layout.block
    this.#forms.rows ??= isDirect
      ? this.#layout.plainToRows(plain, this.mapShape)
      : this.#layout.toRows(this.map(), this.mapShape)
    return this.#forms.rows
  }

  /** As the layout's convolutions read it. */
  map(): Value {
    const { plain, rows } = this.#forms
    if (this.#forms.map !== undefined) return this.#forms.map
    const map =
      rows !== undefined
        ? this.#layout.fromRows(rows, this.mapShape)
        : this.#layout.fromPlain(plain ?? '', this.mapShape)
    this.#forms.map = map
    return map
  }
}
