// Photos per second of Verger's predictor without a server: bytes that lie in memory, as many at once as a server has.
//   node in-process.mjs FOLDER AT_ONCE SECONDS
// Prints one line: { rate }.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openPredictor, readConfig } from 'verger'

const [folder, atOnce, seconds] = process.argv.slice(2)
const photos = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
const predictor = openPredictor(readConfig())
await predictor.warm()
let answered = 0
const startMs = performance.now()
const endMs = startMs + Number(seconds) * 1000
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (performance.now() < endMs) {
      await predictor.predict({ source: 'photo', photo: photos[answered++ % photos.length] })
    }
  }),
)
const rate = answered / ((performance.now() - startMs) / 1000)
await predictor.close()
console.log(JSON.stringify({ rate }))
