/** Finding one's way in a confusion matrix that is mostly empty. */
import type { ConfusionCell } from '../../../src/training/report.ts'

/** Stands for photos whose label is not one of the model's. */
export const FOREIGN = -1

/** Photos of foreign labels stand below all others. */
const rowOf = ({ actual }: ConfusionCell): number =>
  actual === FOREIGN ? Number.POSITIVE_INFINITY : actual

/** Non-empty cells, by row and column. */
export class ConfusionIndex {
  /** In the order of reading: row by row. */
  readonly cells: readonly ConfusionCell[]
  readonly #byPlace = new Map<string, ConfusionCell>()
  readonly #photosOf = new Map<number, number>()

  /** `cells` may come in any order; cells without photos are dropped. */
  constructor(cells: readonly ConfusionCell[]) {
    this.cells = cells
      .filter(({ count }) => count > 0)
      .sort((a, b) => rowOf(a) - rowOf(b) || a.predicted - b.predicted)
    for (const cell of this.cells) {
      this.#byPlace.set(`${cell.actual} ${cell.predicted}`, cell)
      this.#photosOf.set(cell.actual, this.photosOf(cell.actual) + cell.count)
    }
  }

  at(actual: number, predicted: number): ConfusionCell | undefined {
    return this.#byPlace.get(`${actual} ${predicted}`)
  }

  /** Photos that stand under a label. */
  photosOf(actual: number): number {
    return this.#photosOf.get(actual) ?? 0
  }

  /** Share of the photos of its row that a cell holds. */
  shareOf(cell: ConfusionCell): number {
    return cell.count / this.photosOf(cell.actual)
  }

  /** Cells off the diagonal, most photos first. */
  errors(): ConfusionCell[] {
    return this.cells
      .filter(({ actual, predicted }) => actual !== predicted)
      .sort((a, b) => b.count - a.count || this.shareOf(b) - this.shareOf(a))
  }

  /** At most `count` labels that take part in the largest confusions, in the order of the labels. */
  mostConfused(count: number): number[] {
    const labels = new Set<number>()
    for (const { actual, predicted } of this.errors()) {
      if (actual === FOREIGN || new Set([...labels, actual, predicted]).size > count) continue
      labels.add(actual).add(predicted)
    }
    return [...labels].sort((a, b) => a - b)
  }
}

export type Tone = 'right' | 'wrong'

/** Bounds of the four depths of a colour, as shares of a row. */
const DEPTHS: Readonly<Record<Tone, readonly number[]>> = {
  right: [0.5, 0.8, 0.95],
  wrong: [0.02, 0.05, 0.15],
}

export const toneOf = ({ actual, predicted }: ConfusionCell): Tone =>
  actual === predicted ? 'right' : 'wrong'

/** Class of the colour of a cell: `right-1` to `right-4`, `wrong-1` to `wrong-4`. */
export function shadeOf(tone: Tone, share: number): string {
  return `${tone}-${1 + DEPTHS[tone].filter((bound) => share >= bound).length}`
}

/** What stands beside the four colours of a tone in the legend, lightest first. */
export function describeShades(tone: Tone): string[] {
  const bounds = DEPTHS[tone].map((bound) => `${bound * 100}`)
  return [`under ${bounds[0]} %`, ...bounds.map((bound) => `from ${bound} %`)]
}

export const ARROWS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'] as const
export type Arrow = (typeof ARROWS)[number]
export const isArrow = (key: string): key is Arrow => (ARROWS as readonly string[]).includes(key)

/**
 * The non-empty cell that an arrow key leads to: left and right along the rows from end to end, up
 * and down within the column. Undefined at the border. `cells` stand in the order of reading.
 */
export function neighbourOf(
  cell: ConfusionCell,
  arrow: Arrow,
  cells: readonly ConfusionCell[],
): ConfusionCell | undefined {
  const at = cells.indexOf(cell)
  const isInColumn = (other: ConfusionCell) => other.predicted === cell.predicted
  switch (arrow) {
    case 'ArrowLeft':
      return cells[at - 1]
    case 'ArrowRight':
      return cells[at + 1]
    case 'ArrowUp':
      return cells.slice(0, Math.max(0, at)).findLast(isInColumn)
    case 'ArrowDown':
      return cells.slice(at + 1).find(isInColumn)
  }
}
