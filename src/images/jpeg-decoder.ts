/**
 * Decodes ordinary JPEGs on the calling thread, with the WebAssembly decoder that also runs in browsers. Its pixels are
 * those of libvips bit for bit, at half the cost: no hop to another thread, no pipeline to set up
 * (docs/decisions/0004-jpeg-decoder.md).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import decode, { init } from '@jsquash/jpeg/decode.js'
import type { Pixels } from './decode.ts'

export interface JpegDecoder {
  /** RGB pixels, or undefined where the decoder had anything to complain about. */
  decode(bytes: Uint8Array): Promise<Pixels | undefined>
}

let loading: Promise<JpegDecoder> | undefined

/** Compiles the decoder once per thread. */
export function loadJpegDecoder(): Promise<JpegDecoder> {
  loading ??= createDecoder().catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

/** The one member of the browser's ImageData that the decoder's glue code calls: its constructor. */
class DecodedImage {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data
    this.width = width
    this.height = height
  }
}

async function createDecoder(): Promise<JpegDecoder> {
  let complaints = 0
  Object.assign(globalThis, { ImageData: DecodedImage })
  const file = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')
  await init({
    wasmBinary: readFileSync(file),
    printErr: () => {
      complaints++
    },
  })
  return {
    async decode(bytes) {
      const before = complaints
      const image = await decode(bytes as unknown as ArrayBuffer).catch(() => undefined)
      if (image === undefined || complaints > before) return undefined
      return { data: dropAlpha(image.data), width: image.width, height: image.height }
    },
  }
}

/** `[n, 4]` → `[n, 3]`: four pixels at a time, as little-endian words, which is what WebAssembly writes. */
function dropAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const pixels = rgba.length / 4
  const rgb = new Uint8Array(pixels * 3)
  const words = new Uint32Array(rgba.buffer, rgba.byteOffset, pixels)
  const packed = new Uint32Array(rgb.buffer, 0, Math.floor(pixels / 4) * 3)
  let from = 0
  for (let to = 0; to < packed.length; from += 4, to += 3) {
    const second = words[from + 1]!
    const third = words[from + 2]!
    packed[to] = (words[from]! & 0xff_ff_ff) | (second << 24)
    packed[to + 1] = ((second >>> 8) & 0xff_ff) | (third << 16)
    packed[to + 2] = ((third >>> 16) & 0xff) | (words[from + 3]! << 8)
  }
  for (; from < pixels; from++) rgb.set(rgba.subarray(from * 4, from * 4 + 3), from * 3)
  return rgb
}
