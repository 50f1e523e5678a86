import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { decodePhoto } from '../src/images/decode.ts'
import { FRUITS_360, GROCERY_STORE, photosBelow } from './datasets.ts'
import { figure, type Measurement, median } from './measurement.ts'

const PHOTOS = 200
const ROUNDS = 5

/** CPU time of decoding ordinary JPEGs beside libvips on the same photos, in turn (docs/decisions/0004-jpeg-decoder.md). */
export async function* benchDecode(): AsyncGenerator<Measurement> {
  sharp.cache(false)
  sharp.concurrency(1)
  const ours = (photo: Uint8Array) => decodePhoto(photo, { size: 224, maxPixels: 1e8 })
  const libvips = (photo: Uint8Array) =>
    sharp(photo, { ignoreIcc: true }).autoOrient().toColourspace('srgb').raw().toBuffer()
  for (const [name, folder] of [
    ['100 × 100 pixels', FRUITS_360],
    ['348 × 348 pixels', GROCERY_STORE],
  ] as const) {
    const photos = photosBelow(folder, PHOTOS).map((path) => readFileSync(path))
    const oursMs: number[] = []
    const libvipsMs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      oursMs.push(await cpuMsPerPhoto(photos, ours))
      libvipsMs.push(await cpuMsPerPhoto(photos, libvips))
    }
    yield figure(`decode, ${name}`, median(oursMs), 'CPU-ms')
    yield figure(`libvips alone, ${name}`, median(libvipsMs), 'CPU-ms')
    yield figure('ratio', median(oursMs) / median(libvipsMs), '×')
  }
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
