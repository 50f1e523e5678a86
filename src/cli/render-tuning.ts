/** A fine-tuning in a sentence or two. */
import { formatDuration } from '../core/durations.ts'
import type { TuningReport } from '../training/report.ts'
import { formatPercent } from './formats.ts'
import { plural } from './render.ts'

/** `efficientnet-lite0 from block7 on, at 224 px with 612 photos`. */
export const sayTuned = ({ backbone, trainFrom, size, photos }: TuningReport): string =>
  `${backbone} from ${trainFrom} on, at ${size} px with ${plural(photos, 'photo')}`

/** `epoch 9 of 12: 84.3 % of 108 photos that judge, frozen features 79.6 %`. */
export function sayKept({ epochs, keptEpoch, validationPhotos, baseline }: TuningReport): string {
  const kept = epochs.find(({ epoch }) => epoch === keptEpoch)
  const frozen = `frozen features ${formatPercent(baseline.accuracy)}`
  return kept === undefined
    ? `none of ${plural(epochs.length, 'judged epoch')} was as good: ${frozen}`
    : `epoch ${kept.epoch} of ${epochs.at(-1)?.epoch}: ${formatPercent(kept.validation.accuracy)} of ${plural(validationPhotos, 'photo')} that judge, ${frozen}`
}

/** `3m40s, 53 photos/s`; what an earlier run took, nobody knows. */
export function sayPace({ pace }: TuningReport): string {
  const rate = pace.photosPerSecond > 0 ? `, ${Math.round(pace.photosPerSecond)} photos/s` : ''
  const before = pace.resumedAfter > 0 ? `, after ${pace.resumedAfter} steps of an earlier run` : ''
  return `${formatDuration(pace.elapsedMs)}${rate}${before}`
}
