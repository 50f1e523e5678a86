import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runNode } from './child.ts'
import { FRUITS_360, photosBelow } from './datasets.ts'
import { atLeast, atMost, figure, type Measurement } from './measurement.ts'
import { measureRawForward } from './raw-forward.ts'

const SAMPLE = 1000
/** What the garbage collector's timing may add; memory that grows with the photos would be tenfold. */
const SAME_MEMORY = 1.25

/** `verger predict` on 10,720 photos beside the network alone, measured before and after. */
export async function* benchMany(): AsyncGenerator<Measurement> {
  const photos = photosBelow(FRUITS_360)
  const sample = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  try {
    for (const [index, path] of photos.slice(0, SAMPLE).entries()) {
      symlinkSync(path, join(sample, `${index}.jpg`))
    }
    const cores = availableParallelism()
    const before = await measureRawForward(cores)
    const few = await runNode(['bin/verger.js', 'predict', sample, '--format', 'ndjson'])
    const all = await runNode(['bin/verger.js', 'predict', FRUITS_360, '--format', 'ndjson'])
    const after = await measureRawForward(cores)
    const shared = await measureRawForward(1, cores)
    const raw = (before + after) / 2
    const rate = photos.length / (all.elapsedMs / 1000)
    yield figure('network alone, one session a core, constant pixels', raw, 'photos/s')
    yield figure('network alone, one session over all cores', shared, 'photos/s')
    yield figure(`verger predict on ${photos.length} photos, from start to exit`, rate, 'photos/s')
    yield atLeast('ratio', rate / raw, '×', 0.75)
    yield atMost(`peak memory, ${SAMPLE} photos`, few.peakMb, 'MB', 700)
    yield atMost(`peak memory, ${photos.length} photos`, all.peakMb, 'MB', 700)
    yield atMost(
      'peak memory of all beside that of a thousand',
      all.peakMb / few.peakMb,
      '×',
      SAME_MEMORY,
    )
  } finally {
    rmSync(sample, { recursive: true })
  }
}
