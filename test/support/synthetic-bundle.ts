/** A bundle of random numbers: no photos, no network, a few kilobytes. */
import type { BundleContent } from '../../src/bundles/encode-bundle.ts'
import { drawMatrix } from './drawn-rows.ts'

const WIDTH = 32
const DIMENSIONS = 4

export const SYNTHETIC_LABELS = ['apple', 'pear', 'größe', '__proto__']

export function syntheticBundle(seed = 1): BundleContent {
  const labels = SYNTHETIC_LABELS.length
  const positive = (rows: number, columns: number) => drawMatrix(seed, rows, columns).map(Math.abs)
  return {
    manifest: {
      format: 1,
      backbone: {
        id: 'synthetic',
        sha256: 'a'.repeat(64),
        preprocessing: 'b'.repeat(64),
        views: [{ size: 224, mirrored: false }],
        features: WIDTH,
        licence: 'none',
      },
      labels: SYNTHETIC_LABELS,
      head: { scaling: 'unit', temperature: 0.5, unsureBelow: 0.4, unknownAbove: 3 },
      training: {
        dataset: '0'.repeat(64),
        photos: 40,
        photosPerLabel: [10, 10, 10, 10],
        seed,
        l2: 1e-4,
      },
    },
    head: {
      weights: drawMatrix(seed, WIDTH, labels),
      bias: drawMatrix(seed + 1, 1, labels),
    },
    rejection: {
      width: WIDTH,
      dimensions: DIMENSIONS,
      projection: drawMatrix(seed + 2, WIDTH, DIMENSIONS),
      centre: drawMatrix(seed + 3, 1, DIMENSIONS),
      means: drawMatrix(seed + 4, labels, DIMENSIONS),
      background: positive(1, DIMENSIONS).map((value) => 1 + value),
    },
    golden: { features: positive(5, WIDTH), probe: positive(1, WIDTH) },
  }
}
