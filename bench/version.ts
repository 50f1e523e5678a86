import { runNode } from './child.ts'
import { atMost, figure, type Measurement, median } from './measurement.ts'

const PAIRS = 15

/** `verger --version` beside `node -e 0`, in turn. */
export async function* benchVersion(): AsyncGenerator<Measurement> {
  const ours: number[] = []
  const nodes: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    ours.push((await runNode(['bin/verger.js', '--version'])).elapsedMs)
    nodes.push((await runNode(['-e', '0'])).elapsedMs)
  }
  yield figure('verger --version, median', median(ours), 'ms')
  yield figure('node -e 0, median', median(nodes), 'ms')
  yield atMost('ratio', median(ours) / median(nodes), '×', 1.5)
}
