/** Writes a bundle of 400 kB to FOLDER and prints the code of the error: node write-bundle-once.mjs FOLDER */
import { writeBundleFolder } from '../../../dist/bundles/encode-bundle.js'

const files = new Map([
  ['bundle.json', Buffer.from('{}')],
  ['head.safetensors', Buffer.alloc(400_000, 1)],
])
const code = await writeBundleFolder(files, process.argv[2]).then(
  () => 'written',
  (error) => error.code,
)
console.log(code)
