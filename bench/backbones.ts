/** Networks from elsewhere: how fast they come in, run and go out, beside Keras and Python's onnxruntime. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, runNode, runProgram } from './child.ts'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { atLeast, atMost, figure, type Measurement, median } from './measurement.ts'
import { runForward } from './raw-forward.ts'

const PYTHON = join(ROOT, '.parity/bin/python')
const VERGER = join(ROOT, 'bin/verger.js')
/** An inner layer that `scripts/parity/keras_applications.py` asks for. */
const NETWORKS = [
  { id: 'mobilenet-v2', size: 224, inner: 'block_13_expand' },
  { id: 'inception-v3', size: 299, inner: 'mixed10' },
] as const
const ROUNDS = 5
const FORWARD_ROUNDS = 3
const SECONDS = 5

export async function* benchBackbones(): AsyncGenerator<Measurement> {
  if (!existsSync(PYTHON))
    throw new Error('Expected .parity: run sh scripts/setup-python.sh scripts/parity .parity')
  const [photo = ''] = photosBelow(GROCERY_STORE, 1)
  const home = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  const verger = (...args: string[]) => runNode([VERGER, ...args], undefined, { VERGER_HOME: home })
  try {
    for (const { id, size, inner } of NETWORKS) {
      const script = join(ROOT, 'scripts/parity/keras_applications.py')
      execFileSync(PYTHON, [script, id, home, inner, photo], { stdio: 'ignore' })
      const weights = join(home, 'weights.h5')
      const megabytes = statSync(weights).size / 1e6
      yield figure(`${id}: weights in Keras's HDF5`, megabytes, 'MB')
      const isLarge = id === 'inception-v3'

      const imports = await repeat(ROUNDS, async () => {
        const { elapsedMs } = await verger('backbones', 'pull', id, '--from', weights)
        await verger('backbones', 'delete', id)
        return elapsedMs / 1000
      })
      yield isLarge
        ? atMost('  import, cold, median', median(imports), 's', 2)
        : figure('  import, cold, median', median(imports), 's')
      await verger('backbones', 'pull', id, '--from', weights)

      const exports = await repeat(ROUNDS, async (round) =>
        verger('export', id, '--format', 'saved-model', '--out', join(home, `${id}-${round}`)),
      )
      const exportS = median(exports.map(({ elapsedMs }) => elapsedMs / 1000))
      const peak = Math.max(...exports.map(({ peakMb }) => peakMb))
      yield isLarge
        ? atMost('  export as SavedModel, cold, median', exportS, 's', 2)
        : figure('  export as SavedModel, cold, median', exportS, 's')
      yield isLarge
        ? atMost('    peak memory beside its weights', peak / megabytes, '×', 4)
        : figure('    peak memory', peak, 'MB')

      yield* benchForward(join(home, 'backbones', id, 'model.onnx'), size)
      if (isLarge) yield* benchColdPredict(verger, id, weights, photo)
    }
  } finally {
    rmSync(home, { recursive: true })
  }
}

/** The same model in Node.js and in Python, on one core, in turn. */
async function* benchForward(model: string, size: number): AsyncGenerator<Measurement> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < FORWARD_ROUNDS; round++) {
    ours.push(await runForward({ model, size, seconds: SECONDS, threads: 1 }))
    const script = join(ROOT, 'bench/raw-forward.py')
    const args = [script, model, String(size), String(SECONDS), '1']
    theirs.push(Number(execFileSync(PYTHON, args, { encoding: 'utf8' })))
  }
  yield figure("  forward on one core, Python's onnxruntime", median(theirs), 'photos/s')
  yield atLeast('  forward on one core, here, beside it', median(ours) / median(theirs), '×', 0.95)
}

async function* benchColdPredict(
  verger: (...args: string[]) => Promise<{ readonly elapsedMs: number }>,
  id: string,
  weights: string,
  photo: string,
): AsyncGenerator<Measurement> {
  const ours: number[] = []
  const theirs: number[] = []
  const script = join(ROOT, 'bench/keras-predict.py')
  for (let round = 0; round < FORWARD_ROUNDS; round++) {
    ours.push((await verger('predict', photo, '--backbone', id)).elapsedMs)
    theirs.push((await runProgram(PYTHON, [script, weights, photo])).elapsedMs)
  }
  yield figure('  one photo, cold, a script with Keras', median(theirs), 'ms')
  yield figure('  one photo, cold, verger predict', median(ours), 'ms')
  yield atLeast('    times as fast', median(theirs) / median(ours), '×', 8)
}

async function repeat<Result>(
  rounds: number,
  run: (round: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let round = 0; round < rounds; round++) results.push(await run(round))
  return results
}
