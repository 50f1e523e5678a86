/** Sets that grow together: union by size and path halving (Tarjan and van Leeuwen 1984). */
export class UnionFind {
  readonly #parent: Int32Array
  readonly #size: Int32Array

  /** `count` sets of one element each, 0 to `count` − 1. */
  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, index) => index)
    this.#size = new Int32Array(count).fill(1)
  }

  /** The element that stands for the set of `element`. */
  find(element: number): number {
    let at = element
    for (;;) {
      const parent = this.#at(at)
      if (parent === at) return at
      const grandparent = this.#at(parent)
      this.#parent[at] = grandparent
      at = grandparent
    }
  }

  /** Makes one set of the sets of `a` and `b`. */
  join(a: number, b: number): void {
    const [rootA, rootB] = [this.find(a), this.find(b)]
    if (rootA === rootB) return
    const [sizeA, sizeB] = [this.#size[rootA] ?? 0, this.#size[rootB] ?? 0]
    const [small, large] = sizeA < sizeB ? [rootA, rootB] : [rootB, rootA]
    this.#parent[small] = large
    this.#size[large] = sizeA + sizeB
  }

  #at(element: number): number {
    const parent = this.#parent[element]
    if (parent === undefined) throw new RangeError(`Expected an element, received ${element}`)
    return parent
  }
}
