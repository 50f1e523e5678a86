import { useId, useState } from 'preact/hooks'
import type { LabelFigures } from '../../../src/training/report.ts'
import { formatCount } from './format-numbers.ts'
import { ShareBar } from './share-bar.tsx'

const COLUMNS = [
  { key: 'label', title: 'Label', hint: '' },
  { key: 'photos', title: 'Photos', hint: 'photos measured' },
  { key: 'precision', title: 'Precision', hint: 'how often the label is right when it is said' },
  { key: 'recall', title: 'Recall', hint: 'how often a photo of the label is recognised' },
  { key: 'f1', title: 'F1', hint: 'harmonic mean of both' },
] as const
type Column = (typeof COLUMNS)[number]['key']

interface Order {
  readonly column: Column
  readonly isDescending: boolean
}

/** Every label with its figures, worst first until the reader sorts otherwise; those that were not measured have none. */
export function LabelTable({ figures }: { readonly figures: readonly LabelFigures[] }) {
  const [order, setOrder] = useState<Order>({ column: 'f1', isDescending: false })
  const [wanted, setWanted] = useState('')
  const fieldId = useId()
  const needle = wanted.trim().toLowerCase()
  const rows = figures
    .filter(({ label }) => label.toLowerCase().includes(needle))
    .sort((a, b) => compare(a, b, order))
  const sortBy = (column: Column) =>
    setOrder({
      column,
      isDescending: column === order.column ? !order.isDescending : column === 'photos',
    })

  return (
    <>
      <div class="filter">
        <label for={fieldId}>Find a label</label>
        <input
          id={fieldId}
          type="search"
          class="field"
          autocomplete="off"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
        <span class="hint" role="status">
          {formatCount(rows.length)} of {formatCount(figures.length)} labels
        </span>
      </div>
      <div class="scroll">
        <table class="labels">
          <caption class="visually-hidden">Figures of each label</caption>
          <thead>
            <tr>
              {COLUMNS.map(({ key, title, hint }) => (
                <th key={key} scope="col" aria-sort={sortOf(key, order)}>
                  <button type="button" class="sort" title={hint} onClick={() => sortBy(key)}>
                    {title}
                    <span aria-hidden="true">
                      {key !== order.column ? '' : order.isDescending ? ' ↓' : ' ↑'}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ label, photos, precision, recall, f1 }) => (
              <tr key={label}>
                <th scope="row">
                  <bdi>{label}</bdi>
                </th>
                <td class="number">{formatCount(photos)}</td>
                <td>
                  <ShareBar share={photos === 0 ? null : precision} />
                </td>
                <td>
                  <ShareBar share={photos === 0 ? null : recall} />
                </td>
                <td>
                  <ShareBar share={photos === 0 ? null : f1} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="empty">No label contains “{wanted.trim()}”.</p>}
    </>
  )
}

function compare(a: LabelFigures, b: LabelFigures, { column, isDescending }: Order): number {
  const sign = isDescending ? -1 : 1
  if (column === 'label') return sign * a.label.localeCompare(b.label, 'en', { numeric: true })
  const behind = Number(a.photos === 0) - Number(b.photos === 0)
  if (column !== 'photos' && behind !== 0) return behind
  return sign * (a[column] - b[column]) || a.label.localeCompare(b.label, 'en', { numeric: true })
}

function sortOf(column: Column, order: Order): 'ascending' | 'descending' | 'none' {
  if (column !== order.column) return 'none'
  return order.isDescending ? 'descending' : 'ascending'
}
