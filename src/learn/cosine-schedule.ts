/** How fast to learn at each step: slowly at first, then less and less (Loshchilov and Hutter 2017, without restarts). */

export interface CosineSchedule {
  readonly peak: number
  /** Steps in all, and those of the rise at the start. */
  readonly steps: number
  readonly warmUpSteps: number
}

/** Share of the peak at which the rise begins. */
const START = 1 / 20

/** The learning rate of a step, counted from 0; it falls to nearly nothing at the last. */
export function learningRateAt({ peak, steps, warmUpSteps }: CosineSchedule, step: number): number {
  if (step < warmUpSteps) return peak * (START + ((1 - START) * step) / warmUpSteps)
  const share = (step - warmUpSteps) / Math.max(1, steps - warmUpSteps)
  return (peak * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2
}
