/** Spoils files in ways that are the same at every run. */

/** Numbers from 0 up to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A copy with one to eight bytes changed, or cut short, or with a part of it moved. */
export function spoilBytes(bytes: Uint8Array, seed: number): Uint8Array {
  const random = randomNumbers(seed)
  const place = () => Math.floor(random() * bytes.length)
  const copy = Uint8Array.from(bytes)
  const way = random()
  if (way < 0.1) return copy.subarray(0, place())
  if (way < 0.2) return copy.copyWithin(place(), place(), place())
  for (let count = 1 + Math.floor(random() * 8); count > 0; count--) {
    copy[place()] =
      [0, 1, 0x7f, 0x80, 0xff, Math.floor(random() * 256)][Math.floor(random() * 6)] ?? 0
  }
  return copy
}

const ODD_VALUES: readonly unknown[] = [
  null,
  -1,
  0,
  1,
  0.5,
  3,
  1e9,
  2 ** 53,
  1e300,
  '',
  'valid',
  'Dense',
  true,
  [],
  {},
  [[]],
  [1, 2, 3, 4, 5],
  'constructor',
  '__proto__',
]

/** JSON with one to three values replaced by odd ones, left out, or by others of the same text. */
export function spoilJson(text: string, seed: number): string {
  const random = randomNumbers(seed)
  const root = JSON.parse(text) as object
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const places: [Record<string, unknown>, string][] = []
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        places.push([value as Record<string, unknown>, key])
        walk(inner)
      }
    }
    walk(root)
    const [holder, key] = places[Math.floor(random() * places.length)] ?? []
    const [other, otherKey] = places[Math.floor(random() * places.length)] ?? []
    if (holder === undefined || key === undefined || other === undefined) continue
    const way = random()
    if (way < 0.2) delete holder[key]
    else if (way < 0.4) holder[key] = structuredClone(other[otherKey ?? ''])
    else holder[key] = ODD_VALUES[Math.floor(random() * ODD_VALUES.length)]
  }
  return JSON.stringify(root)
}
