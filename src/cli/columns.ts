/** Columns of text and numbers, aligned by how wide characters are on a terminal. */
import Table from 'cli-table3'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const LINES = ['top', 'bottom', 'left', 'right', 'mid'] as const
const CORNERS = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right']
const JOINTS = ['left-mid', 'mid-mid', 'right-mid']
/** Every line that could be drawn is empty; two spaces stand between columns. */
const NO_LINES = {
  ...Object.fromEntries([...LINES, ...CORNERS, ...JOINTS].map((place) => [place, ''])),
  middle: '  ',
}

/** A line of titles and one for each row, indented by two spaces; a cell holds one line of text. */
export function renderColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const table = new Table({
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align = 'left' }) => align),
  })
  table.push(columns.map(({ title }) => title))
  for (const row of rows) table.push([...row])
  const lines = table.toString().split('\n')
  return lines
    .map((line) => `  ${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}
