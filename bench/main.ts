/**
 * Every claim about speed and memory beside its limit, measured in this run.
 *
 *   npm run bench                 all of them, about forty minutes
 *   npm run bench -- cold http    some of them
 *
 * Photos come from VERGER_DATASETS (default ../shared/datasets where it exists).
 */
import { availableParallelism, cpus } from 'node:os'
import { benchAccuracy } from './accuracy.ts'
import { benchAlone } from './alone.ts'
import { benchBackbones } from './backbones.ts'
import { benchBatch } from './batch.ts'
import { benchCold } from './cold.ts'
import { benchDecode } from './decode.ts'
import { benchHttp } from './http.ts'
import { benchInt8 } from './int8.ts'
import { benchMany } from './many.ts'
import { type Measurement, renderMeasurement } from './measurement.ts'
import { benchPhones } from './phones.ts'
import { benchSquash } from './squash.ts'
import { benchTrain } from './train.ts'
import { benchUnknown } from './unknown.ts'
import { benchVersion } from './version.ts'

const BENCHES: Readonly<Record<string, () => AsyncIterable<Measurement>>> = {
  version: benchVersion,
  cold: benchCold,
  decode: benchDecode,
  squash: benchSquash,
  many: benchMany,
  phones: benchPhones,
  http: benchHttp,
  backbones: benchBackbones,
  batch: benchBatch,
  alone: benchAlone,
  int8: benchInt8,
  train: benchTrain,
  unknown: benchUnknown,
  accuracy: benchAccuracy,
}

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(
    `Expected names among ${Object.keys(BENCHES).join(', ')}, received ${unknown.join(', ')}`,
  )
  process.exit(2)
}
console.log(
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.versions.node}`,
)
let over = 0
for (const [name, bench] of Object.entries(BENCHES)) {
  if (named.length > 0 && !named.includes(name)) continue
  console.log(`\n${name}`)
  for await (const measurement of bench()) {
    if (measurement.limit?.holds === false) over++
    console.log(renderMeasurement(measurement))
  }
}
console.log(over === 0 ? '\nevery limit holds' : `\n${over} limits do not hold`)
process.exitCode = over === 0 ? 0 : 1
