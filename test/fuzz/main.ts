/**
 *   npm run test:fuzz                   10,000 changed models, with seeds of this day
 *   npm run test:fuzz -- COUNT SEED     that many, the first with that seed: 1 SEED repeats a finding
 */
import { type Finding, fuzz } from './fuzz.ts'

const DAY_MS = 86_400_000

const [count = '10000', given] = process.argv.slice(2)
const seed = given === undefined ? Math.floor(Date.now() / DAY_MS) * 1_000_000 : Number(given)
console.log(`${count} changed models, seeds from ${seed} on`)
const findings: Finding[] = await fuzz(Number(count), seed, (done, codes) => {
  if (done % 1000 !== 0 && done !== Number(count)) return
  const counts = [...codes].sort().map(([code, times]) => `${code} ${times}`)
  console.log(`${done}  ${counts.join(', ')}`)
})
for (const { fixture, seed: at, what } of findings) console.error(`${fixture}, seed ${at}: ${what}`)
console.log(`${findings.length} findings`)
process.exitCode = findings.length === 0 ? 0 : 1
