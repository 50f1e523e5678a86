/**
 * Decodes ordinary JPEGs on the calling thread, with libjpeg-turbo in WebAssembly (wasm/jpeg-decoder). Its pixels are those
 * of libvips bit for bit, at a third of the cost: no hop to another thread, no pipeline to set up
 * (docs/decisions/0027-jpeg-decoder-simd.md).
 */
import { readFileSync } from 'node:fs'
import { packagePath } from '../core/version.ts'
import type { Pixels } from './decode.ts'
import { webAssembly } from './web-assembly.ts'

/** What wasm/jpeg-decoder/decoder.c exports; addresses are offsets in `memory`. */
interface Program {
  readonly memory: { readonly buffer: ArrayBuffer }
  reserve(sizeBytes: number): number
  decode(address: number, sizeBytes: number): number
}

/** The memory of an instance never shrinks: one that has grown beyond this gives way to a new one. */
const MAX_KEPT_BYTES = 32 * 2 ** 20

let compiled: object | undefined
let idle: Program | undefined

/** RGB pixels, or undefined where the decoder had anything to complain about. Compiled once per thread. */
export function decodeJpeg(bytes: Uint8Array): Pixels | undefined {
  compiled ??= new webAssembly.Module(readFileSync(packagePath('assets/jpeg-decoder.wasm')))
  const program = idle ?? (new webAssembly.Instance(compiled).exports as Program)
  // Whatever ends the program half-way leaves its memory in no known state.
  idle = undefined
  const pixels = runProgram(program, bytes)
  if (pixels && program.memory.buffer.byteLength <= MAX_KEPT_BYTES) idle = program
  return pixels
}

function runProgram(program: Program, bytes: Uint8Array): Pixels | undefined {
  try {
    const input = program.reserve(bytes.length)
    new Uint8Array(program.memory.buffer).set(bytes, input)
    const result = program.decode(input, bytes.length)
    const { buffer } = program.memory
    const [width = 0, height = 0, pixels = 0] = new Uint32Array(buffer, result, 3)
    const data = new Uint8Array(buffer.slice(pixels, pixels + width * height * 3))
    return { data, width, height }
  } catch (error) {
    if (error instanceof webAssembly.RuntimeError) return undefined
    throw error
  }
}
