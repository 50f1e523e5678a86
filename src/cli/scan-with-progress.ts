/** Opens and reads a dataset as every command does: with the settings of the process, and a line that shows how far it is. */

import { formatDuration } from '../core/durations.ts'
import { type ScannedDataset, scanDataset } from '../datasets/scan.ts'
import { openDatasetSource } from '../datasets/source.ts'
import type { CommandContext } from './context.ts'
import { formatCount, ProgressLine, plural } from './render.ts'
import { shortId } from './render-dataset.ts'

export interface ScanPlan {
  /** Path, name or id of the dataset. */
  readonly dataset: string
  readonly glob: string | undefined
  /** Look at headers alone, where the network is going to decode every photo anyway. */
  readonly headersOnly?: boolean
}

export interface TimedScan {
  readonly dataset: ScannedDataset
  readonly elapsedMs: number
}

/** How many photos are found between two updates of the line. */
const FOUND_STEP = 1000

/** Decodes every photo unless told otherwise, so that broken ones are found here. Throws as `openDatasetSource` does. */
export async function scanWithProgress(
  { config, cwd, stderr }: CommandContext,
  { dataset: reference, glob, headersOnly = false }: ScanPlan,
): Promise<TimedScan> {
  const isTerminal = stderr.isTTY === true
  const source = await openDatasetSource(reference, {
    cwd,
    home: config.home,
    databaseUrl: config.databaseUrl,
    blobsUrl: config.blobsUrl,
    ...(glob === undefined ? {} : { glob }),
    onProgress(found) {
      if (isTerminal && found % FOUND_STEP === 0) {
        stderr.write(`\r\x1b[2KLooking for photos: ${formatCount(found)}`)
      }
    },
  })
  const line = new ProgressLine(stderr, 'photo', source.candidates.length)
  try {
    const dataset = await scanDataset(source, {
      workers: config.workers,
      limits: config.limits,
      decode: !headersOnly,
      onProgress(read) {
        for (let count = 0; count < read; count++) line.add()
      },
    })
    const { elapsedMs } = line.finish()
    if (source.version !== undefined && source.version !== dataset.id) {
      const id = shortId(source.version)
      stderr.write(`Not version ${id} any more: photos were changed, removed or cannot be read.\n`)
    }
    return { dataset, elapsedMs }
  } finally {
    line.clear()
  }
}

/** `10,720 photos read in 4s (2,680/s)`. */
export function describeScan({ dataset, elapsedMs }: TimedScan): string {
  const read = dataset.photos.length
  const rate = formatCount(Math.round(read / (elapsedMs / 1000)))
  return `${plural(read, 'photo')} read in ${formatDuration(elapsedMs)} (${rate}/s)`
}
