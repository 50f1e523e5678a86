import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import decodeByMozjpeg, { init } from '@jsquash/jpeg/decode.js'
import sharp from 'sharp'
import { decodePhoto } from '../src/images/decode.ts'
import { FRUITS_360, GROCERY_STORE, photosBelow } from './datasets.ts'
import { figure, type Measurement, median } from './measurement.ts'

const PHOTOS = 200
const ROUNDS = 5

/**
 * CPU time of decoding ordinary JPEGs beside libvips, and MozJPEG in WebAssembly without SIMD, on the same photos in turn
 * (docs/decisions/0027-jpeg-decoder-simd.md).
 */
export async function* benchDecode(): AsyncGenerator<Measurement> {
  sharp.cache(false)
  sharp.concurrency(1)
  const ours = (photo: Uint8Array) => decodePhoto(photo, { size: 224, maxPixels: 1e8 })
  const libvips = (photo: Uint8Array) =>
    sharp(photo, { ignoreIcc: true }).autoOrient().toColourspace('srgb').raw().toBuffer()
  const mozjpeg = await loadMozjpeg()
  for (const [name, folder] of [
    ['100 × 100 pixels', FRUITS_360],
    ['348 × 348 pixels', GROCERY_STORE],
  ] as const) {
    const photos = photosBelow(folder, PHOTOS).map((path) => readFileSync(path))
    const oursMs: number[] = []
    const libvipsMs: number[] = []
    const mozjpegMs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      oursMs.push(await cpuMsPerPhoto(photos, ours))
      libvipsMs.push(await cpuMsPerPhoto(photos, libvips))
      mozjpegMs.push(await cpuMsPerPhoto(photos, mozjpeg))
    }
    yield figure(`decode, ${name}`, median(oursMs), 'CPU-ms')
    yield figure(`libvips alone, ${name}`, median(libvipsMs), 'CPU-ms')
    yield figure(`MozJPEG without SIMD, ${name}`, median(mozjpegMs), 'CPU-ms')
    yield figure('ratio to libvips', median(oursMs) / median(libvipsMs), '×')
  }
}

async function loadMozjpeg(): Promise<(photo: Uint8Array) => Promise<unknown>> {
  const file = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')
  // The one member of the browser's ImageData that its glue code calls is the constructor.
  Object.assign(globalThis, { ImageData: class {} })
  await init({ wasmBinary: readFileSync(file) })
  return (photo) => decodeByMozjpeg(photo as unknown as ArrayBuffer)
}

async function cpuMsPerPhoto(
  photos: readonly Uint8Array[],
  decode: (photo: Uint8Array) => Promise<unknown>,
): Promise<number> {
  const start = process.cpuUsage()
  for (const photo of photos) await decode(photo)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000 / photos.length
}
