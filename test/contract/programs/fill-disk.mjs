/** Fills the small disk that HOME lies on while it registers versions, and prints what it saw as JSON. */

import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createRegistry } from '../../../dist/registry/registry.js'
import { openStore } from '../../../dist/store/store.js'

const [disk] = process.argv.slice(2)
const home = join(disk, 'home')
// Given up later, so that there is space again.
writeFileSync(join(disk, 'reserve'), Buffer.alloc(200_000))
const store = await openStore({ home })
const registry = createRegistry(store)
const seen = { registered: 0, codes: [] }

const filesOf = (seed) =>
  new Map([
    ['bundle.json', Buffer.from(`{"seed":${seed}}`)],
    ['head.bin', randomBytes(100_000)],
  ])
const attempt = async (act) => {
  try {
    await act()
    return true
  } catch (error) {
    seen.codes.push(error.code)
    return false
  }
}

while (
  seen.registered < 1000 &&
  (await attempt(() => registry.register({ model: 'fruits', files: filesOf(seen.registered) })))
) {
  seen.registered++
}
seen.incoming = readdirSync(join(home, 'blobs/incoming'))

// To the last byte, so that the database cannot grow either.
const filler = openSync(join(disk, 'filler'), 'w')
try {
  for (;;) writeSync(filler, Buffer.alloc(512))
} catch (error) {
  seen.filled = error.code
}
closeSync(filler)
for (let index = 0; index < 200; index++) {
  const description = `${index} `.repeat(2000)
  if (!(await attempt(() => registry.updateModel('fruits', { description })))) break
}
seen.isReadable = await attempt(() => registry.resolveVersion('fruits'))

rmSync(join(disk, 'filler'))
rmSync(join(disk, 'reserve'))
seen.goesOn = await attempt(() => registry.updateModel('fruits', { description: 'space again' }))
await store.close()

const again = await openStore({ home })
const after = createRegistry(again)
const versions = await after.listVersions('fruits')
seen.versions = versions.length
for (const version of versions) {
  for (const file of Object.keys(version.files)) await after.readVersionFile(version, file)
}
seen.lastDescription = (await after.getModel('fruits')).description
await again.close()
console.log(JSON.stringify(seen))
