import { runNode } from './child.ts'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { atMost, figure, type Measurement, median } from './measurement.ts'

const PAIRS = 11
const MODEL = 'weights/efficientnet-lite0.onnx'

/** One cold `verger predict` beside a bare script that decodes, loads the same model and runs it once, in turn. */
export async function* benchCold(): AsyncGenerator<Measurement> {
  const [photo = ''] = photosBelow(GROCERY_STORE, 1)
  const ours: number[] = []
  const bare: number[] = []
  const memory: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const { elapsedMs, peakMb } = await runNode(['bin/verger.js', 'predict', photo])
    ours.push(elapsedMs)
    memory.push(peakMb)
    bare.push((await runNode(['bench/bare-predict.mjs', photo, MODEL])).elapsedMs)
  }
  yield figure('verger predict PHOTO, cold, median', median(ours), 'ms')
  yield figure('bare script, cold, median', median(bare), 'ms')
  yield atMost('ratio', median(ours) / median(bare), '×', 1.6)
  yield atMost('peak memory, largest of all runs', Math.max(...memory), 'MB', 300)
}
