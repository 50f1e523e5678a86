/**
 * The switch, proven: what happens to answers, memory and the registry while the default moves and servers die.
 *
 *   npm run bench:switch             1,000 switches, then with two servers on one PostgreSQL; 200 kills, then 50 with it
 *   npm run bench:switch -- --quick  50 switches, then 50; 10 kills, then 5
 *   … -- --kills                     the kills alone
 *   … -- --seed N                    the moments of another run of kills
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { findPostgres, startPostgres } from '../test/support/postgres.ts'
import { serversLeft } from '../test/support/server.ts'
import { benchKills } from './kills.ts'
import { type Measurement, renderMeasurement } from './measurement.ts'
import { benchSwitching } from './switching.ts'

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    kills: { type: 'boolean' },
    seed: { type: 'string', default: String(Date.now() % 10_000) },
  },
})
const [switches, calmMs, kills] = asked.quick ? [50, 5000, 10] : [1000, 30_000, 200]
const seed = Number(asked.seed)
let over = 0

async function print(title: string, measurements: AsyncIterable<Measurement>): Promise<void> {
  console.log(`\n${title}`)
  for await (const measurement of measurements) {
    if (measurement.limit?.holds === false) over++
    console.log(renderMeasurement(measurement))
  }
}

console.log(
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.versions.node}`,
)
if (!asked.kills) await print('one server', benchSwitching({ switches, servers: 1, calmMs }))
const killing = 'killed while versions are uploaded, the default moves and photos are kept'
if (findPostgres() === undefined) {
  over++
  console.log('\ntwo servers on one PostgreSQL: not run, PostgreSQL is not installed')
  await print(killing, benchKills({ kills, seed }))
} else {
  const postgres = await startPostgres()
  try {
    if (!asked.kills) {
      const databaseUrl = await postgres.createDatabase()
      const plan = { switches, servers: 2, databaseUrl, calmMs } as const
      await print('two servers on one PostgreSQL', benchSwitching(plan))
    }
    await print(killing, benchKills({ kills, seed }))
    const databaseUrl = await postgres.createDatabase()
    const plan = { kills: Math.ceil(kills / 4), seed, databaseUrl }
    await print(`${killing}, on PostgreSQL`, benchKills(plan))
  } finally {
    await postgres.remove()
  }
}
if (serversLeft().length > 0) throw new Error(`Servers left: ${serversLeft().join(', ')}`)
console.log(over === 0 ? '\nevery limit holds' : `\n${over} limits do not hold`)
process.exitCode = over === 0 ? 0 : 1
