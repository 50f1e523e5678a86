/**
 * `verger up` beside BentoML, LitServe and FastAPI with onnxruntime and Pillow: the same ONNX file, the same photos, the
 * same run. Each rival once as its documentation starts it and once tuned; servers take turns in every round.
 *
 *   sh scripts/setup-python.sh bench/rivals .rivals   once: Python with the rivals
 *   npm run bench:serve                               about ten minutes
 *   npm run bench:serve -- --quick                    a second for each figure, to see that everything runs
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runNode } from './child.ts'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { type LoadResult, runLoad } from './load.ts'
import {
  atLeast,
  atMost,
  figure,
  type Measurement,
  median,
  quantile,
  renderMeasurement,
} from './measurement.ts'
import { askTop, openStable, PLAIN, type Rival, type Server, startVerger, TUNED } from './rivals.ts'
import { benchServedVersions } from './served-versions.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 3
const SECONDS = isQuick ? 1 : 4
const PACED_SECONDS = isQuick ? 2 : 10
const PACED_ROUNDS = isQuick ? 1 : 2
const QUALIFY_SECONDS = isQuick ? 1 : 3
const IDLE_SECONDS = isQuick ? 1 : 4
const CONNECTIONS = [1, 8, 64] as const
/** Where every server is saturated; its best rate there is its capacity. */
const SATURATING: readonly number[] = [8, 64]
const PACED_SHARE = 0.7
/** Decoders and runtimes may differ by a rounding. */
const SCORE_TOLERANCE = 0.01

interface Contestant {
  readonly server: Server
  /** Saturated, by the number of connections. */
  readonly turns: { readonly connections: number; readonly result: LoadResult }[]
  /** At a share of its capacity. */
  readonly paced: LoadResult[]
}

const work = mkdtempSync(join(tmpdir(), 'verger-bench-'))
const photos = join(work, 'photos')
const started: Server[] = []
const stable = openStable()

async function main(): Promise<void> {
  console.log(
    `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.versions.node}`,
  )
  let over = 0
  try {
    for await (const measurement of benchServe()) {
      if (measurement.limit?.holds === false) over++
      console.log(renderMeasurement(measurement))
    }
  } finally {
    await stopAll()
    stable.close()
    rmSync(work, { recursive: true, force: true })
  }
  console.log(over === 0 ? '\nevery limit holds' : `\n${over} limits do not hold`)
  process.exitCode = over === 0 ? 0 : 1
}

async function* benchServe(): AsyncGenerator<Measurement> {
  const paths = photosBelow(GROCERY_STORE)
  const [first] = paths
  if (first === undefined) throw new Error(`Expected photos below ${GROCERY_STORE}, found none`)
  mkdirSync(photos)
  for (const [index, path] of paths.entries()) symlinkSync(path, join(photos, `${index}.jpg`))
  const probe = readFileSync(first)

  const verger = enter(await startVerger(join(work, 'home')))
  console.log('\ntuned rivals, to choose one for each framework')
  const tuned: Contestant[] = []
  for (const framework of new Set(TUNED.map((rival) => rival.framework))) {
    const rivals = TUNED.filter((rival) => rival.framework === framework)
    tuned.push(enter(await stable.start(await qualify(rivals, probe), probe)))
  }
  const plain: Contestant[] = []
  for (const rival of PLAIN) plain.push(enter(await stable.start(rival, probe)))

  console.log('\nanswers')
  yield* compareAnswers(verger, [...plain, ...tuned], paths)
  yield figure('what all servers take of one core while nobody asks', await idleShare(), '%')

  const all = [verger, ...plain, ...tuned]
  const inProcess: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    inProcess.push(await rateInProcess())
    for (const { server, turns } of all) {
      for (const connections of CONNECTIONS) {
        const result = await load(server, ['sustain', String(connections), String(SECONDS)])
        turns.push({ connections, result })
      }
    }
  }
  for (const connections of CONNECTIONS) {
    console.log(`\n${connections} connections`)
    for (const each of all) {
      const latencies = turnsAt(each, connections).flatMap(({ latenciesMs }) => latenciesMs)
      yield figure(each.server.name, rateAt(each, connections), 'photos/s')
      yield* renderLatencies(latencies)
    }
    const rateOfBest = (rivals: readonly Contestant[]) =>
      Math.max(...rivals.map((each) => rateAt(each, connections)))
    const rate = rateAt(verger, connections)
    yield figure('Verger beside the best plain one', rate / rateOfBest(plain), '×')
    yield figure('Verger beside the best tuned one', rate / rateOfBest(tuned), '×')
  }

  console.log(`\ncapacity: the best rate at ${SATURATING.join(' or ')} connections`)
  const capacity = capacityOf(verger)
  yield figure('Verger', capacity, 'photos/s')
  yield figure('Verger without a server, as many at once', median(inProcess), 'photos/s')
  yield atLeast('ratio', capacity / median(inProcess), '×', 0.9)
  yield atLeast('beside the best plain one', capacity / best(plain), '×', 1.5)
  yield atLeast('beside the best tuned one', capacity / best(tuned), '×', 1.1)

  console.log(`\nrequests at fixed times, ${PACED_SHARE * 100} % of each one's own capacity`)
  const pacedOnes = [verger, ...tuned]
  for (let round = 0; round < PACED_ROUNDS; round++) {
    for (const each of pacedOnes) {
      const perSecond = String(PACED_SHARE * capacityOf(each))
      each.paced.push(await load(each.server, ['pace', perSecond, String(PACED_SECONDS)]))
    }
  }
  for (const each of pacedOnes) {
    yield figure(each.server.name, PACED_SHARE * capacityOf(each), 'photos/s')
    yield* renderLatencies(pacedLatencies(each))
  }
  const p99Of = (each: Contestant) => quantile(pacedLatencies(each), 0.99)
  const lowest = Math.min(...tuned.map(p99Of))
  yield atMost('99th percentile beside the lowest of theirs', p99Of(verger) / lowest, '×', 0.7)
  const results = [...verger.turns.map(({ result }) => result), ...verger.paced]
  const failures = results.reduce((sum, result) => sum + result.failures, 0)
  yield atMost('requests to Verger that failed', failures, '', 0)

  await stopAll()
  console.log('\nversions')
  yield* benchServedVersions({ folder: join(work, 'versions'), paths, isQuick })
}

function enter(server: Server): Contestant {
  started.push(server)
  return { server, turns: [], paced: [] }
}

async function stopAll(): Promise<void> {
  for (const server of started.splice(0)) await server.stop()
}

const turnsAt = ({ turns }: Contestant, connections: number): LoadResult[] =>
  turns.filter((turn) => turn.connections === connections).map(({ result }) => result)

const rateAt = (contestant: Contestant, connections: number): number =>
  median(turnsAt(contestant, connections).map(({ rate }) => rate))

const capacityOf = (contestant: Contestant): number =>
  Math.max(...SATURATING.map((connections) => rateAt(contestant, connections)))

const best = (contestants: readonly Contestant[]): number =>
  Math.max(...contestants.map(capacityOf))

const pacedLatencies = ({ paced }: Contestant): number[] =>
  paced.flatMap(({ latenciesMs }) => latenciesMs)

function* renderLatencies(latenciesMs: readonly number[]): Generator<Measurement> {
  yield figure('  median', median(latenciesMs), 'ms')
  yield figure('  99th percentile', quantile(latenciesMs, 0.99), 'ms')
}

/** Each variant alone for a moment, with few and with many connections; gives the one with the best rate. */
async function qualify(rivals: readonly Rival[], probe: Uint8Array): Promise<Rival> {
  let fastest: { readonly rival: Rival; readonly rate: number } | undefined
  for (const rival of rivals) {
    const server = await stable.start(rival, probe)
    try {
      await load(server, ['sustain', '8', '1'])
      let rate = 0
      for (const connections of SATURATING) {
        const result = await load(server, ['sustain', String(connections), String(QUALIFY_SECONDS)])
        rate = Math.max(rate, result.rate)
      }
      console.log(renderMeasurement(figure(server.name, rate, 'photos/s')))
      if (fastest === undefined || rate > fastest.rate) fastest = { rival, rate }
    } finally {
      await server.stop()
    }
  }
  if (fastest === undefined) throw new Error('Expected at least one variant, received none')
  return fastest.rival
}

function load({ url, form }: Server, args: readonly string[]): Promise<LoadResult> {
  return runLoad([url, photos, ...args], { LOAD_FORM: form })
}

async function* compareAnswers(
  verger: Contestant,
  rivals: readonly Contestant[],
  paths: readonly string[],
): AsyncGenerator<Measurement> {
  const different: string[] = []
  let furthest = 0
  for (const path of isQuick ? paths.slice(0, 20) : paths) {
    const photo = readFileSync(path)
    const ours = await askTop(verger.server, photo)
    for (const { server } of rivals) {
      const theirs = await askTop(server, photo)
      furthest = Math.max(furthest, Math.abs(ours.score - theirs.score))
      if (ours.label !== theirs.label) different.push(`${server.name}: ${path}`)
    }
  }
  for (const each of different) console.log(`  another label: ${each}`)
  yield atMost(`answers with another best label, ${rivals.length} rivals`, different.length, '', 0)
  yield atMost('furthest apart in the score of the best label', furthest, '', SCORE_TOLERANCE)
}

async function rateInProcess(): Promise<number> {
  const report = join(work, 'in-process.json')
  await runNode(['bench/in-process.mjs', photos, '16', String(SECONDS)], report)
  return (JSON.parse(readFileSync(report, 'utf8')) as { rate: number }).rate
}

/** Share of one core that the whole machine works, in percent. */
async function idleShare(): Promise<number> {
  const busyMs = () =>
    cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0)
  const before = busyMs()
  await sleep(IDLE_SECONDS * 1000)
  return ((busyMs() - before) / (IDLE_SECONDS * 1000)) * 100
}

await main()
