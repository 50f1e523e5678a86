import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT, runNode } from './child.ts'
import { FRUITS_360, photosBelow } from './datasets.ts'
import { type LoadResult, runLoad } from './load.ts'
import { atLeast, atMost, figure, type Measurement, median, quantile } from './measurement.ts'

const PHOTOS = 2000
const ROUNDS = 3
const CONNECTIONS = 8
const HALF_LOAD_SECONDS = 15

/** `POST /predict` with a saturating client beside `verger predict` on the same photos, in turn. */
export async function* benchHttp(): AsyncGenerator<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  const server = spawn(process.execPath, ['bin/verger.js', 'up', '--port', '0', '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const startMs = performance.now()
    const [line] = await once(createInterface(server.stdout), 'line')
    const readyMs = performance.now() - startMs
    const { url } = JSON.parse(line) as { url: string }
    for (const [index, path] of photosBelow(FRUITS_360, PHOTOS).entries()) {
      symlinkSync(path, join(folder, `${index}.jpg`))
    }
    const load = (args: readonly string[]) => runLoad([url, folder, ...args])

    const inProcess: number[] = []
    const overHttp: LoadResult[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { elapsedMs } = await runNode([
        'bin/verger.js',
        'predict',
        folder,
        '--format',
        'ndjson',
      ])
      inProcess.push(PHOTOS / (elapsedMs / 1000))
      overHttp.push(await load(['saturate', String(CONNECTIONS), String(PHOTOS)]))
    }
    const rate = median(overHttp.map((result) => result.rate))
    yield atMost('verger up, from start to the first line', readyMs, 'ms', 1000)
    yield figure(
      `verger predict on ${PHOTOS} photos, median of ${ROUNDS}`,
      median(inProcess),
      'photos/s',
    )
    yield figure(`POST /predict, ${CONNECTIONS} connections, median of ${ROUNDS}`, rate, 'photos/s')
    yield atLeast('ratio', rate / median(inProcess), '×', 0.9)
    const health = overHttp.flatMap((result) => result.healthMs)
    yield figure('GET /healthz while saturated, median', median(health), 'ms')
    yield atMost('GET /healthz while saturated, 99th percentile', quantile(health, 0.99), 'ms', 20)

    const half = await load(['pace', String(rate / 2), String(HALF_LOAD_SECONDS)])
    const p99 = quantile(half.latenciesMs, 0.99)
    yield figure('at half load, median', median(half.latenciesMs), 'ms')
    yield figure('at half load, 99th percentile', p99, 'ms')
    yield atMost('ratio', p99 / median(half.latenciesMs), '×', 4)
    const failures = half.failures + overHttp.reduce((sum, result) => sum + result.failures, 0)
    yield atMost('requests that failed', failures, '', 0)
  } finally {
    server.kill('SIGTERM')
    await once(server, 'exit')
    rmSync(folder, { recursive: true })
  }
}
