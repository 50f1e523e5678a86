/** Training steps beside Keras on the same cores, in turns. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT, runNode } from './child.ts'
import { atLeast, atMost, figure, type Measurement, median } from './measurement.ts'

const BATCH = 32
const SECONDS = 5
const ROUNDS = 2
const PYTHON = '.parity/bin/python'

const CONFIGURATIONS = [
  { what: 'blocks 11 to 15 at 224 px', from: '11', size: 224 },
  { what: 'blocks 7 to 15 at 288 px', from: '7', size: 288 },
  { what: 'everything at 224 px, batch norm training', from: 'all', size: 224 },
] as const
type Configuration = (typeof CONFIGURATIONS)[number]

export async function* benchTrainStep(): AsyncGenerator<Measurement> {
  const keras = existsSync(join(ROOT, PYTHON)) ? openKeras() : undefined
  if (keras === undefined)
    console.log('  Keras is left out: sh scripts/setup-python.sh scripts/parity .parity')
  try {
    for (const configuration of CONFIGURATIONS) {
      const ours: { rate: number; peakMb: number }[] = []
      const theirs: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        if (keras !== undefined) theirs.push(await keras.measure(configuration))
        ours.push(await measure(configuration))
      }
      const rate = median(ours.map((run) => run.rate))
      yield figure(configuration.what, rate, 'photos/s')
      if (theirs.length > 0) {
        const rival = median(theirs)
        yield figure('  Keras', rival, 'photos/s')
        yield atLeast('  beside Keras', rate / rival, '×', 1.3)
      }
      yield atMost('  peak memory', Math.max(...ours.map(({ peakMb }) => peakMb)), 'MB', 3000)
    }
  } finally {
    keras?.close()
  }
}

async function measure({ from, size }: Configuration) {
  const folder = mkdtempSync(join(tmpdir(), 'verger-train-step-'))
  const output = join(folder, 'rate')
  try {
    const numbers = [size, BATCH, SECONDS, availableParallelism()].map(String)
    const { peakMb } = await runNode(['bench/train-step.mjs', from, ...numbers], output)
    return { rate: Number(readFileSync(output, 'utf8')), peakMb }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One process for all measurements, since it takes seconds to start. */
function openKeras() {
  const child = spawn(PYTHON, ['-B', 'bench/keras-train-step.py'], {
    cwd: ROOT,
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async measure({ from, size }: Configuration): Promise<number> {
      child.stdin.write(`${from} ${size} ${BATCH} ${SECONDS}\n`)
      const { value } = await answers.next()
      return Number(value)
    },
    close: () => child.stdin.end(),
  }
}
