/**
 * A queue of groups that take turns: of the groups that wait, each gives one item before any gives its second.
 *
 * It holds `capacity` items. One group may fill it alone. Where others come, each may have its share, the capacity
 * divided by the groups that wait; what a group has beyond its share gives way, the newest first.
 */

/** Why there is no room: the group waits with its share while others do, or the queue is full of fair shares. */
export type NoRoom = 'share' | 'full'

export class FairQueue<Item> {
  readonly capacity: number
  /** In the order of their turns. */
  readonly #groups = new Map<string, Set<Item>>()
  #size = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** Items of each group that waits. */
  sizes(): Map<string, number> {
    return new Map([...this.#groups].map(([group, items]) => [group, items.size]))
  }

  sizeOf(group: string): number {
    return this.#groups.get(group)?.size ?? 0
  }

  /** Items that each group may have while this one waits too. */
  shareOf(group: string): number {
    const groups = this.#groups.size + (this.#groups.has(group) ? 0 : 1)
    return Math.floor(this.capacity / groups)
  }

  /** Why so many further items of a group have no room; undefined where they have. */
  judge(group: string, count: number): NoRoom | undefined {
    const share = this.shareOf(group)
    const own = this.sizeOf(group)
    if (count <= Math.max(this.capacity - this.#size, share - own)) return undefined
    const hasOthers = share < this.capacity
    return hasOthers && share > 0 && own + count > share ? 'share' : 'full'
  }

  /** Adds an item that `judge` has room for, and gives the one that gives way to it. */
  add(group: string, item: Item): Item | undefined {
    const displaced = this.#size < this.capacity ? undefined : this.#takeNewestOfLongest()
    const items = this.#groups.get(group)
    if (items === undefined) this.#groups.set(group, new Set([item]))
    else items.add(item)
    this.#size++
    return displaced
  }

  /** The oldest item of the group whose turn it is. */
  take(): Item | undefined {
    const [turn] = this.#groups
    if (turn === undefined) return undefined
    const [group, items] = turn
    const [item] = items
    // Behind the others.
    this.#groups.delete(group)
    if (items.size > 1) this.#groups.set(group, items)
    if (item !== undefined) items.delete(item)
    this.#size--
    return item
  }

  remove(group: string, item: Item): void {
    const items = this.#groups.get(group)
    if (items?.delete(item) !== true) return
    if (items.size === 0) this.#groups.delete(group)
    this.#size--
  }

  /** Takes out everything. */
  clear(): Item[] {
    const items = [...this.#groups.values()].flatMap((group) => [...group])
    this.#groups.clear()
    this.#size = 0
    return items
  }

  #takeNewestOfLongest(): Item | undefined {
    let longest: readonly [string, Set<Item>] | undefined
    for (const entry of this.#groups) {
      if (longest === undefined || entry[1].size > longest[1].size) longest = entry
    }
    if (longest === undefined) return undefined
    const [group, items] = longest
    const newest = [...items].at(-1)
    if (newest !== undefined) this.remove(group, newest)
    return newest
  }
}
