/** How long steps and judgements take while a fine-tuning runs, and what that leaves time for. */
import type { TuneChoice } from './choose-settings.ts'
import { shortenSchedule } from './plan-budget.ts'
import type { TuneSettings } from './tune-settings.ts'

export interface Stopwatch {
  /** Of a step, in the mean; 0 where none was taken. */
  readonly stepMs: number
  /** Runs one, and counts its time. */
  step<Result>(run: () => Promise<Result>): Promise<Result>
  judge<Result>(run: () => Promise<Result>): Promise<Result>
  /** Settings with fewer steps where there is no time for all of them; the same ones where there is, or no time budget. */
  fit(
    settings: TuneSettings,
    place: { readonly steps: number; readonly photos: number },
  ): TuneSettings
}

/** Steps are timed for this share of the budget before they count: a short while may be an unlucky one. */
const TIMED_SHARE = 0.05

/** `untilMs`: when the last epoch has to be over, by `performance.now()`. */
export function createStopwatch(untilMs: number, { budget }: TuneChoice): Stopwatch {
  const spent = { step: 0, judge: 0 }
  const counted = { step: 0, judge: 0 }
  const time = async <Result>(what: 'step' | 'judge', run: () => Promise<Result>) => {
    const startMs = performance.now()
    const result = await run()
    spent[what] += performance.now() - startMs
    counted[what]++
    return result
  }
  const meanMs = (what: 'step' | 'judge') => (counted[what] === 0 ? 0 : spent[what] / counted[what])
  return {
    get stepMs() {
      return meanMs('step')
    },
    step: (run) => time('step', run),
    judge: (run) => time('judge', run),
    fit(settings, place) {
      if (budget === undefined || spent.step < TIMED_SHARE * budget.ms) return settings
      return shortenSchedule(settings, place, {
        stepMs: meanMs('step'),
        judgeMs: meanMs('judge') || budget.judgeMs,
        leftMs: untilMs - performance.now(),
      })
    },
  }
}
