/** Writes bundles one after the other until it is killed: node write-bundle.mjs FOLDER FIRST. Prints the name of each that is there. */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { writeBundleFolder } from '../../../dist/bundles/encode-bundle.js'

const [folder, first] = process.argv.slice(2)
for (let index = Number(first); ; index++) {
  const files = new Map([
    ['bundle.json', Buffer.from(`{"index":${index}}`)],
    ['head.safetensors', Buffer.alloc(300_000, index)],
    ['report.html', Buffer.alloc(100_000, 'report')],
  ])
  await writeBundleFolder(files, join(folder, `bundle-${index}`))
  writeSync(1, `bundle-${index}\n`)
}
