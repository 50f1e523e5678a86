/**
 * The squash of the preprocessing graph ahead of it: the graph's own `Resize` then has nothing left to do. Levels are the
 * same bit for bit in less time, since a pixel's three levels are computed as one vector.
 * The arithmetic is wasm/squash.ts, which `npm run wasm` compiles to assets/squash.wasm.
 */
import { readFileSync } from 'node:fs'
import { packagePath } from '../core/version.ts'
import type { Pixels } from './decode.ts'
import { webAssembly } from './web-assembly.ts'

/** What the module exports; places are bytes in its memory. */
interface SquashModule {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  readonly GROUP: { readonly value: number }
  windowSize(from: number, to: number): number
  planAxis(from: number, to: number, plan: number): void
  squash(
    source: number,
    width: number,
    height: number,
    target: number,
    size: number,
    columns: number,
    rows: number,
    line: number,
    ring: number,
  ): void
}

const PAGE_BYTES = 65_536
const VECTOR_BYTES = 16

let loaded: SquashModule | undefined

/** Compiles the module once per thread. */
function loadModule(): SquashModule {
  loaded ??= new webAssembly.Instance(
    new webAssembly.Module(readFileSync(packagePath('assets/squash.wasm'))),
  ).exports as SquashModule
  return loaded
}

/** Pillow's bicubic as `emitPreprocessing` defines it: `[height, width, 3]` → `[size, size, 3]`. */
export function squashPixels(pixels: Pixels, size: number): Pixels {
  const { data, width, height } = pixels
  if (width === size && height === size) return pixels
  const module = loadModule()
  let end = VECTOR_BYTES
  const reserve = (bytes: number): number => {
    const place = end
    end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES
    return place
  }
  const group = module.GROUP.value
  const axisBytes = (from: number) => size * (8 + 4 * module.windowSize(from, size))
  const source = reserve(data.length + 1)
  const target = reserve(size * size * 3 + 1)
  const columns = reserve(axisBytes(width))
  const rows = reserve(axisBytes(height))
  const line = reserve(group * width * VECTOR_BYTES)
  const ringRows = module.windowSize(height, size) + 2 * group
  const ring = reserve((ringRows * size + group) * VECTOR_BYTES)
  const missing = end - module.memory.buffer.byteLength
  if (missing > 0) module.memory.grow(Math.ceil(missing / PAGE_BYTES))
  const memory = new Uint8Array(module.memory.buffer)
  memory.set(data, source)
  module.planAxis(width, size, columns)
  module.planAxis(height, size, rows)
  module.squash(source, width, height, target, size, columns, rows, line, ring)
  return { data: memory.slice(target, target + size * size * 3), width: size, height: size }
}
