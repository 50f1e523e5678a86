/**
 * Fine-tuning: the speed of its step beside Keras, what it makes of Grocery Store, and a job that once took three hours.
 *
 *   sh scripts/setup-python.sh scripts/parity .parity   once: Python with Keras
 *   npm run bench:train                                 all parts, about an hour
 *   npm run bench:train -- step seeds                   some of: step, grocery, seeds
 *   npm run bench:train -- --quick                      a few photos and seconds, to see that everything runs
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchGrocery } from './fine-tune-grocery.ts'
import { benchSeeds } from './fine-tune-seeds.ts'
import { type Measurement, renderMeasurement } from './measurement.ts'
import { benchTrainStep } from './train-step.ts'

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const PARTS: Readonly<Record<string, () => AsyncIterable<Measurement>>> = {
  step: () => benchTrainStep(values.quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 8 }),
  grocery: () => benchGrocery(folder, values.quick),
  seeds: () => benchSeeds(folder, values.quick),
}
const unknown = positionals.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(
    `Expected parts among ${Object.keys(PARTS).join(', ')}, received ${unknown.join(', ')}`,
  )
  process.exit(2)
}
console.log(
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.versions.node}`,
)
const folder = mkdtempSync(join(tmpdir(), 'verger-bench-'))
let over = 0
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    console.log(`\n${name}`)
    for await (const measurement of part()) {
      if (measurement.limit?.holds === false) over++
      console.log(renderMeasurement(measurement))
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(over === 0 ? '\nevery limit holds' : `\n${over} limits do not hold`)
process.exitCode = over === 0 ? 0 : 1
