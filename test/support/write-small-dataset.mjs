/** `node --import tsx write-small-dataset.mjs FOLDER [PHOTOS_PER_LABEL] [SEED]` writes a small dataset as a folder. */
import { writeSmallDataset } from './small-dataset.ts'

const [folder = '', photosPerLabel = '12', seed = '1'] = process.argv.slice(2)
await writeSmallDataset(folder, { photosPerLabel: Number(photosPerLabel), seed: Number(seed) })
