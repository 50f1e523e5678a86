/**
 * Registers versions until it is killed, or `count` of them: node register.mjs HOME MODEL FIRST_SEED [COUNT] [VERSION]
 * Prints one JSON line for each version that the registry has acknowledged, or for the code with which it refused.
 */
import { writeSync } from 'node:fs'
import { createRegistry } from '../../../dist/registry/registry.js'
import { openStore } from '../../../dist/store/store.js'

const [home, model, firstSeed, count = 'Infinity', version] = process.argv.slice(2)
const { VERGER_DATABASE_URL: databaseUrl, VERGER_BLOBS_URL: blobsUrl } = process.env
const store = await openStore({ home, databaseUrl, blobsUrl })
const registry = createRegistry(store)
for (let index = 0; index < Number(count); index++) {
  const seed = Number(firstSeed) + index
  const files = new Map([
    ['bundle.json', Buffer.from(`{"format":1,"seed":"${seed}"}`)],
    ['head.bin', Buffer.alloc(20_000, `head ${seed}`)],
  ])
  const named = version === undefined ? {} : { version: `${version}${index}` }
  try {
    const done = await registry.register({ model, files, setDefault: index % 2 === 0, ...named })
    writeSync(1, `${JSON.stringify({ name: done.name, bundle: done.bundle })}\n`)
  } catch (error) {
    writeSync(1, `${JSON.stringify({ refused: error.code, message: error.message })}\n`)
  }
}
await store.close()
