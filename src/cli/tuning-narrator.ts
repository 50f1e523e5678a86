/** Says how a fine-tuning goes: a line before, one that moves, one for each epoch, and what came of it. */
import type { TrainEvent } from '../training/train-context.ts'
import type { Terminal } from './context.ts'
import { formatPercent } from './formats.ts'
import { ProgressLine, plural } from './render.ts'

type TuningEvent = Extract<
  TrainEvent,
  { stage: 'tuning' | 'tuning-step' | 'tuning-epoch' | 'tuned' }
>

export interface TuningNarrator {
  tell(event: TuningEvent): void
  /** Removes the line that moves from a terminal. */
  clear(): void
}

/** `say` takes the lines that stay; what moves goes to `stderr`. */
export function createTuningNarrator(
  stderr: Terminal,
  say: (text: string) => void,
): TuningNarrator {
  let line: ProgressLine | undefined
  let batchSize = 0
  const clear = () => line?.clear()
  return {
    clear,
    tell(event) {
      switch (event.stage) {
        case 'tuning': {
          const { settings, done, photos } = event
          const { trainFrom, size, epochs, schedule } = settings
          batchSize = settings.batchSize
          const where = done === 0 ? '' : `, going on after step ${done} of ${schedule.steps}`
          say(
            `Fine-tuning from ${trainFrom} on at ${size} px: ${plural(epochs, 'epoch')} of ${plural(photos, 'photo')}${where}\n`,
          )
          line = new ProgressLine(stderr, 'photo', (schedule.steps - done) * batchSize)
          return
        }
        case 'tuning-step':
          line?.add(
            batchSize,
            `, loss ${event.loss.toFixed(2)}, ${formatPercent(event.accuracy)} right`,
          )
          return
        case 'tuning-epoch': {
          const { epoch, loss, accuracy, validation } = event.figures
          clear()
          say(
            `  epoch ${epoch}: loss ${loss.toFixed(3)}, ${formatPercent(accuracy)} of changed photos right; held-out photos ${formatPercent(validation.accuracy)}, loss ${validation.loss.toFixed(3)}\n`,
          )
          return
        }
        case 'tuned':
          clear()
          if (event.divergedAt !== undefined) {
            say(
              `  Stopped at step ${event.divergedAt}: the loss or its gradient is no number any more\n`,
            )
          }
          if (event.refusal !== undefined) say(`  Frozen features stay: ${event.refusal}\n`)
      }
    },
  }
}
