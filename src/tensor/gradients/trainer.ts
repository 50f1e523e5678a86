import type { Trainer, TrainingStep } from './training-step.ts'

/** Starts a thread that computes steps with `threads` cores, from the initial values of the plan. */
export async function openTrainer(
  step: TrainingStep,
  { threads }: { readonly threads: number },
): Promise<Trainer> {
  throw new Error(`not yet: ${step.size}, ${threads}`)
}
