import type { TuningReport } from '../../../src/training/report.ts'
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  plural,
} from './format-numbers.ts'
import { LearningCurve } from './learning-curve.tsx'
import { Section } from './section.tsx'

/** How a fine-tuning went: what learned, how fast, and what each epoch reached. */
export function TuningSection({ tuning }: { readonly tuning: TuningReport }) {
  const { epochs, baseline, keptEpoch, divergedAt } = tuning
  return (
    <Section id="tuning" title="How did the fine-tuning go?" lead={outcomeOf(tuning)}>
      {divergedAt !== undefined && (
        <p class="cautions">
          At step {formatCount(divergedAt)} the loss, its gradient or an answer was no number: the
          fine-tuning ended there.
        </p>
      )}
      <dl class="tuning-facts">
        {factsOf(tuning).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {epochs.length > 0 && (
        <div class="charts">
          <LearningCurve
            title="How many were right?"
            hint="Photos that are learned from are changed, so they are harder than those that judge. An epoch counts where it is not below the dotted line, nor its loss above its own."
            points={epochs.map(({ epoch, accuracy, validation }) => ({
              epoch,
              training: accuracy,
              validation: validation.accuracy,
            }))}
            baseline={baseline.accuracy}
            keptEpoch={keptEpoch}
            most={1}
            format={(share) => formatPercent(share)}
            formatTick={(share) => formatPercent(share, 0)}
          />
          <LearningCurve
            title="How far off? (loss)"
            hint="The last epoch whose loss on validation photos is no more than 5 % or 0.01 above the least is kept. Where that curve rises while the other falls, the network learns its photos by heart. Targets are smoothed in learning only, so the curves' heights do not compare."
            points={epochs.map(({ epoch, loss, validation }) => ({
              epoch,
              training: loss,
              validation: validation.loss,
            }))}
            baseline={baseline.loss}
            keptEpoch={keptEpoch}
            format={(loss) => loss.toFixed(3)}
            formatTick={(loss) => formatNumber(loss)}
          />
        </div>
      )}
    </Section>
  )
}

function outcomeOf({ epochs, baseline, keptEpoch, validationPhotos }: TuningReport): string {
  const kept = epochs.find(({ epoch }) => epoch === keptEpoch)
  const judges = plural(validationPhotos, 'validation photo')
  const frozen = formatPercent(baseline.accuracy)
  return kept === undefined
    ? `No epoch was as good on the ${judges} as frozen features, which reach ${frozen}, by accuracy and by loss: they stay, and the figures on this page are theirs.`
    : `Epoch ${kept.epoch} was kept: with it ${formatPercent(kept.validation.accuracy)} of the ${judges} were right, with frozen features ${frozen}.`
}

function factsOf(tuning: TuningReport): (readonly [string, string])[] {
  const { epochs, epochsPlanned, schedule, pace } = tuning
  const done = epochs.at(-1)?.epoch ?? 0
  const { peak, warmUpSteps, steps } = schedule
  return [
    [
      'What learned',
      `${tuning.backbone} from ${tuning.trainFrom} on, and the classifier${tuning.isRounded ? '; the rest computed in 8 bit meanwhile' : ''}`,
    ],
    [
      'Photos',
      `${formatCount(tuning.photos)} learned from at ${tuning.size} px, ${formatCount(tuning.batchSize)} a step; ${formatCount(tuning.validationPhotos)} judged each epoch`,
    ],
    [
      'Epochs',
      `${formatCount(done)} of ${formatCount(epochsPlanned)}${done < epochsPlanned && tuning.divergedAt === undefined ? '; none had been better for long' : ''}`,
    ],
    [
      'Learning rate',
      `up to ${formatNumber(peak)} in ${plural(warmUpSteps, 'step')}, then down a cosine to step ${formatCount(steps)}`,
    ],
    [
      'Time',
      `${formatDuration(pace.elapsedMs)} with the judging${pace.photosPerSecond > 0 ? `, ${formatNumber(pace.photosPerSecond)} photos a second while learning` : ''}${pace.resumedAfter > 0 ? `, after ${plural(pace.resumedAfter, 'step')} of an earlier run` : ''}`,
    ],
  ]
}
