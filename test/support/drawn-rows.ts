/** Rows from a seed, for tests of numbers. scripts/golden-learn/make_golden.py draws the same ones. */
import { createRandom, type Random } from '../../src/learn/random.ts'

/** `[rows, columns]`, bell-shaped around 0 with variance 1/4. */
export function drawMatrix(random: Random | number, rows: number, columns: number): Float32Array {
  const source = sourceOf(random)
  const draw = () => source.next() + source.next() + source.next() - 1.5
  return Float32Array.from({ length: rows * columns }, draw)
}

export interface LabelledDraw {
  /** `[rows, width]` */
  readonly features: Float32Array
  readonly width: number
  /** `[rows]`, the classes taking turns. */
  readonly labels: Int32Array
  readonly classes: number
}

/** Rows around one centre for each class; the larger `skill`, the further apart. */
export function drawLabelled(
  random: Random | number,
  { rows, width, classes, skill }: Record<'rows' | 'width' | 'classes' | 'skill', number>,
): LabelledDraw {
  const source = sourceOf(random)
  const centres = drawMatrix(source, classes, width)
  const labels = Int32Array.from({ length: rows }, (_, row) => row % classes)
  const noise = drawMatrix(source, rows, width)
  const features = noise.map((value, index) => {
    const label = labels[Math.floor(index / width)] ?? 0
    return value + skill * (centres[label * width + (index % width)] ?? 0)
  })
  return { features, width, labels, classes }
}

/** Rows brought to length 1. */
export function unitRows(rows: Float32Array, width: number): Float32Array {
  const result = new Float32Array(rows.length)
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width)
    const length = Math.hypot(...row)
    for (const [i, value] of row.entries()) result[start + i] = value / length
  }
  return result
}

const sourceOf = (random: Random | number): Random =>
  typeof random === 'number' ? createRandom(random) : random
