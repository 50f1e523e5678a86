import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { runNode } from './child.ts'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { atMost, figure, type Measurement } from './measurement.ts'

const COUNT = 120
const DISTINCT = 12

/** Photos of 12 megapixels, made larger from real ones. */
export async function* benchPhones(): AsyncGenerator<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  try {
    const photos = photosBelow(GROCERY_STORE, DISTINCT)
    for (let index = 0; index < COUNT; index++) {
      const target = join(folder, `${index}.jpg`)
      const source = photos[index % photos.length] ?? ''
      if (index < DISTINCT)
        await sharp(source).resize(4032, 3024, { fit: 'fill' }).jpeg({ quality: 90 }).toFile(target)
      else
        await import('node:fs/promises').then(({ copyFile }) =>
          copyFile(join(folder, `${index % DISTINCT}.jpg`), target),
        )
    }
    const { elapsedMs, peakMb } = await runNode([
      'bin/verger.js',
      'predict',
      folder,
      '--format',
      'ndjson',
    ])
    yield figure(
      `verger predict on ${COUNT} photos of 12 megapixels`,
      COUNT / (elapsedMs / 1000),
      'photos/s',
    )
    yield atMost('peak memory', peakMb, 'MB', 1000)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
