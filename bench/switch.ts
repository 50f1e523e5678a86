/**
 * The switch, proven: what happens to answers, memory and the registry while the default moves and servers die.
 *
 *   npm run bench:switch             1,000 switches, then with two servers on one PostgreSQL, then 200 kills
 *   npm run bench:switch -- --quick  50 switches, then 50, then 10 kills
 */
import { availableParallelism, cpus } from 'node:os'
import { findPostgres, startPostgres } from '../test/support/postgres.ts'
import { serversLeft } from '../test/support/server.ts'
import { benchKills } from './kills.ts'
import { type Measurement, renderMeasurement } from './measurement.ts'
import { benchSwitching } from './switching.ts'

const isQuick = process.argv.includes('--quick')
const [switches, calmMs, kills] = isQuick ? [50, 5000, 10] : [1000, 30_000, 200]
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
await print('one server', benchSwitching({ switches, servers: 1, calmMs }))
if (findPostgres() === undefined) {
  over++
  console.log('\ntwo servers on one PostgreSQL: not run, PostgreSQL is not installed')
} else {
  const postgres = await startPostgres()
  try {
    const databaseUrl = await postgres.createDatabase()
    await print(
      'two servers on one PostgreSQL',
      benchSwitching({ switches, servers: 2, databaseUrl, calmMs }),
    )
  } finally {
    await postgres.remove()
  }
}
await print('kills at random moments', benchKills(kills))
if (serversLeft().length > 0) throw new Error(`Servers left: ${serversLeft().join(', ')}`)
console.log(over === 0 ? '\nevery limit holds' : `\n${over} limits do not hold`)
process.exitCode = over === 0 ? 0 : 1
