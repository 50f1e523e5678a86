/** Named groups of photos as numbers, for the thread that computes. */

/** The groups that a dataset names, by number; −1 where it names none. */
export function numberGroups(photos: readonly { readonly group?: string }[]): Int32Array {
  const numbers = new Map<string, number>()
  return Int32Array.from(photos, ({ group }) => {
    if (group === undefined) return -1
    const known = numbers.get(group) ?? numbers.size
    numbers.set(group, known)
    return known
  })
}
