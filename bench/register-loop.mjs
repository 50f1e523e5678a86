// Registers bundles under new names until it is killed, and prints each name once the registry has acknowledged it.
//   node register-loop.mjs HOME BUNDLE MODEL PREFIX
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { readBundleFolder } from '../dist/bundles/verify-bundle.js'
import { createRegistry } from '../dist/registry/registry.js'
import { openStore } from '../dist/store/store.js'

const [home, folder, model, prefix] = process.argv.slice(2)
const store = await openStore({ home })
const registry = createRegistry(store)
const files = new Map(await readBundleFolder(folder))
const manifest = JSON.parse(Buffer.from(files.get('bundle.json')))
for (let count = 0; ; count++) {
  const version = `${prefix}-${count}`
  const training = { ...manifest.training, seed: Math.floor(Math.random() * 2 ** 31) }
  files.set('bundle.json', Buffer.from(JSON.stringify({ ...manifest, training })))
  // Bytes that no blob has yet.
  files.set('report.html', randomBytes(200_000))
  await registry.register({ model, version, files })
  writeSync(1, `${version}\n`)
}
