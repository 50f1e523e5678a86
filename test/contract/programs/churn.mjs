/**
 * Registers versions whose files other processes register too, reads them, and deletes them again, for a while:
 * node churn.mjs HOME MODEL SECONDS
 * Prints as JSON how often, and what went wrong.
 */
import { createRegistry } from '../../../dist/registry/registry.js'
import { openStore } from '../../../dist/store/store.js'

const [home, model, seconds] = process.argv.slice(2)
const store = await openStore({ home, databaseUrl: process.env['VERGER_DATABASE_URL'] })
const registry = createRegistry(store)
const endMs = Date.now() + Number(seconds) * 1000
const seen = { rounds: 0, failures: [] }
const filesOf = (seed) =>
  new Map([
    ['bundle.json', Buffer.from(`{"format":1,"seed":"${seed}"}`)],
    ['head.bin', Buffer.alloc(2000, `head ${seed}`)],
  ])
while (Date.now() < endMs) {
  const version = `v${seen.rounds}`
  try {
    const done = await registry.register({ model, version, files: filesOf(seen.rounds % 4) })
    for (const name of Object.keys(done.files)) await registry.readVersionFile(done, name)
    const before = `v${seen.rounds - 2}`
    if (seen.rounds > 1) {
      await registry.setDefault(model, version)
      const old = await registry.resolveVersion(model, before)
      for (const name of Object.keys(old.files)) await registry.readVersionFile(old, name)
      await registry.deleteVersion(model, before)
    }
  } catch (error) {
    seen.failures.push(`${error.code}: ${error.message}`)
  }
  seen.rounds++
}
await store.close()
console.log(JSON.stringify(seen))
