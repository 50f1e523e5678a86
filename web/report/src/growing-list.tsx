import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { formatCount } from './format-numbers.ts'

interface GrowingListProps<Item> {
  readonly items: readonly Item[]
  /** How many are shown at first, and how many more at each press. */
  readonly step: number
  readonly className: string
  readonly keyOf: (item: Item, index: number) => string | number
  readonly children: (item: Item) => ComponentChildren
}

/** A list that shows its first items and more of them when asked, so that thousands do not stall the page. */
export function GrowingList<Item>(props: GrowingListProps<Item>) {
  const { items, step, keyOf, className, children } = props
  const [shown, setShown] = useState(step)
  const hidden = items.length - shown
  return (
    <>
      <ul class={className}>
        {items.slice(0, shown).map((item, index) => (
          <li key={keyOf(item, index)}>{children(item)}</li>
        ))}
      </ul>
      {hidden > 0 && (
        <button type="button" class="button more" onClick={() => setShown(shown + step)}>
          {hidden > step
            ? `Show ${formatCount(step)} of ${formatCount(hidden)} more`
            : `Show ${formatCount(hidden)} more`}
        </button>
      )}
    </>
  )
}
