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

/** `[n, 4]` → `[n, 3]`. */
function dropAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!
    rgb[to++] = rgba[from + 1]!
    rgb[to++] = rgba[from + 2]!
  }
  return rgb
}
