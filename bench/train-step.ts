/**
 * Training steps beside Keras on the same cores: all processes live at once and compute in turns, so that what else the
 * machine does meets all of them. Keras computes in float32; ours once as it does where what does not train is in 8 bit, and once
 * in float32 throughout. Peak memory is that of a whole process, from its start; starting ours fits the 8 bit to photos.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peakMemoryMb, ROOT } from './child.ts'
import { GROCERY_STORE_TRAIN, photosBelow } from './datasets.ts'
import { atLeast, atMost, figure, type Measurement, median } from './measurement.ts'

const BATCH = 32
/** To which what does not train is fitted. */
const SAMPLED_PHOTOS = 64
const PYTHON = join(ROOT, '.parity/bin/python')

const CONFIGURATIONS = [
  { what: 'blocks 11 to 15 at 224 px', from: '11', size: 224 },
  { what: 'blocks 7 to 15 at 288 px', from: '7', size: 288 },
  { what: 'everything at 224 px, batch norm training', from: 'all', size: 224 },
] as const

export interface StepOptions {
  /** Turns of each. */
  readonly rounds: number
  /** Of a turn. */
  readonly seconds: number
}

export async function* benchTrainStep(options: StepOptions): AsyncGenerator<Measurement> {
  const hasKeras = existsSync(PYTHON)
  if (!hasKeras)
    console.log('  Keras is left out: sh scripts/setup-python.sh scripts/parity .parity')
  for (const { what, from, size } of CONFIGURATIONS) {
    const plan = [from, size, BATCH].map(String)
    const threads = String(availableParallelism())
    const verger = (...photos: string[]) =>
      start(process.execPath, ['bench/train-step.mjs', ...plan, threads, ...photos])
    const hasFrozen = from !== 'all'
    const ours = await verger(
      ...(hasFrozen ? photosBelow(GROCERY_STORE_TRAIN, SAMPLED_PHOTOS) : []),
    )
    const float32 = hasFrozen ? await verger() : undefined
    const keras = hasKeras
      ? await start(PYTHON, ['-B', 'bench/keras-train-step.py', ...plan])
      : undefined
    try {
      for (let round = 0; round < options.rounds; round++) {
        for (const each of [keras, float32, ours]) await each?.takeTurn(options.seconds)
      }
      yield figure(what, ours.rate(), 'photos/s')
      if (float32 !== undefined) yield figure('  with nothing in 8 bit', float32.rate(), 'photos/s')
      if (keras !== undefined) {
        yield figure('  Keras', keras.rate(), 'photos/s')
        yield atLeast('  beside Keras', ours.rate() / keras.rate(), '×', 1.3)
        if (float32 !== undefined)
          yield figure('    with nothing in 8 bit', float32.rate() / keras.rate(), '×')
      }
      yield atMost('  peak memory', ours.peakMb(), 'MB', 3000)
      if (keras !== undefined) yield figure('  peak memory of Keras', keras.peakMb(), 'MB')
      yield figure('  from the start of the process to its second step', ours.startSeconds, 's')
      if (keras !== undefined) yield figure('  the same of Keras', keras.startSeconds, 's')
    } finally {
      await Promise.all([ours, float32, keras].map((each) => each?.close()))
    }
  }
}

/** Starts a program that says `ready` and then answers seconds by photos per second. Rejects where it ends instead. */
async function start(program: string, args: readonly string[]) {
  const startMs = performance.now()
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const rates: number[] = []
  let peakMb = Number.NaN
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${program} ${args.join(' ')} ended with ${await ended}`)
    peakMb = peakMemoryMb(child.pid) ?? peakMb
    return value
  }
  await answer()
  return {
    startSeconds: (performance.now() - startMs) / 1000,
    async takeTurn(seconds: number): Promise<void> {
      child.stdin.write(`${seconds}\n`)
      rates.push(Number(await answer()))
    },
    rate: () => median(rates),
    peakMb: () => peakMb,
    async close(): Promise<void> {
      child.stdin.end()
      await ended
    },
  }
}
