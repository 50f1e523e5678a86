/** `node --import tsx write-tiny-bundle.mjs FOLDER [SEED]` writes the tiny bundle as a folder. */
import { writeBundleFolder } from '../../dist/bundles/encode-bundle.js'
import { createTinyBundle } from './tiny-bundle.ts'

const [folder = '', seed = '1'] = process.argv.slice(2)
await writeBundleFolder(await createTinyBundle({ seed: Number(seed) }), folder)
