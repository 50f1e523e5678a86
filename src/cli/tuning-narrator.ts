/** Says how a fine-tuning goes: a line before, one that moves, one for each epoch, and what came of it. */
import { describeChoice } from '../training/fine-tune/tell-tuned.ts'
import type { TrainEvent } from '../training/train-context.ts'
import type { Terminal } from './context.ts'
import { formatPercent } from './formats.ts'
import { ProgressLine, plural } from './render.ts'

type TuningEvent = Extract<
  TrainEvent,
  {
    stage:
      | 'tuning-waits'
      | 'tuning'
      | 'tuning-step'
      | 'tuning-shortened'
      | 'tuning-epoch'
      | 'tuning-kept'
      | 'tuned'
  }
>

export interface TuningNarrator {
  tell(event: TuningEvent): void
  /** Removes the line that moves from a terminal. */
  clear(): void
  /** What a run that is stopped now leaves; undefined where no fine-tuning has begun. */
  tellStopped(): string | undefined
}

/** `say` takes the lines that stay; what moves goes to `stderr`. */
export function createTuningNarrator(
  stderr: Terminal,
  say: (text: string) => void,
): TuningNarrator {
  let line: ProgressLine | undefined
  let pace: string | undefined
  let batchSize = 0
  let steps = 0
  let lastEpoch = 0
  let kept: number | undefined
  const clear = () => line?.clear()
  return {
    clear,
    tellStopped() {
      if (kept === undefined) return undefined
      return kept === 0
        ? 'Stopped before the first checkpoint: the same command begins the fine-tuning anew.\n'
        : `Stopped. The same command goes on after step ${kept} of ${steps}.\n`
    },
    tell(event) {
      switch (event.stage) {
        case 'tuning-waits':
          return say(
            'Waiting for another run of the same (one that was killed is waited for a few seconds)\n',
          )
        case 'tuning-kept':
          kept = event.steps
          return
        case 'tuning': {
          const { choice, done, photos, fault, validationPhotos, baseline } = event
          const { trainFrom, size, epochs, schedule } = choice.settings
          batchSize = choice.settings.batchSize
          steps = schedule.steps
          lastEpoch = epochs
          kept = done
          if (fault !== undefined) {
            say(`The checkpoint of an earlier run ${fault}: the fine-tuning begins anew\n`)
          }
          const where = done === 0 ? '' : `, going on after step ${done} of ${schedule.steps}`
          const chosen = describeChoice(choice)
          const rest = choice.isRounded ? '; what does not learn computes in 8 bit' : ''
          say(
            chosen === undefined
              ? `Fine-tuning from ${trainFrom} on at ${size} px: ${plural(epochs, 'epoch')} of ${plural(photos, 'photo')}${rest}${where}\n`
              : `Fine-tuning with ${plural(photos, 'photo')} ${chosen}${rest}${where}\n`,
          )
          say(
            `  to beat: ${formatPercent(baseline.accuracy)} of ${plural(validationPhotos, 'held-out photo')} right with frozen features\n`,
          )
          line = new ProgressLine(stderr, 'photo', (schedule.steps - done) * batchSize)
          return
        }
        case 'tuning-step':
          line?.add(
            batchSize,
            `, loss ${event.loss.toFixed(2)}, ${formatPercent(event.accuracy)} right`,
          )
          // Before a judgement, which takes its time.
          pace = line?.pace()
          return
        case 'tuning-shortened': {
          const { epochs, schedule } = event.settings
          steps = schedule.steps
          lastEpoch = epochs
          clear()
          say(
            `  Steps take longer than measured: it ends with step ${steps}, after ${plural(epochs, 'epoch')}\n`,
          )
          line = new ProgressLine(stderr, 'photo', (steps - event.done) * batchSize)
          return
        }
        case 'tuning-epoch': {
          const { epoch, loss, accuracy, validation } = event.figures
          const going = pace === undefined ? '' : `; ${pace}`
          clear()
          say(
            `  epoch ${epoch} of ${lastEpoch}: held-out ${formatPercent(validation.accuracy)} right, loss ${validation.loss.toFixed(3)}; learned from ${formatPercent(accuracy)}, ${loss.toFixed(3)}${going}${event.isKept ? ' (kept so far)' : ''}\n`,
          )
          line?.resume()
          return
        }
        case 'tuned':
          clear()
          if (event.divergedAt !== undefined) {
            say(
              `  Stopped at step ${event.divergedAt}: the loss, its gradient or an answer is no number any more\n`,
            )
          }
          if (event.refusal !== undefined) say(`  Frozen features stay: ${event.refusal}\n`)
      }
    },
  }
}
