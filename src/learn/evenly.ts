/** At most so many of the items, from all over them. */
export function evenly<Item>(items: readonly Item[], most: number): readonly Item[] {
  const step = Math.max(1, items.length / most)
  return items.filter((_, place) => Math.floor(place / step) !== Math.floor((place - 1) / step))
}
