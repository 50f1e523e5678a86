import { expect, it } from 'vitest'
import { judgeLogits, judgeSmoothed } from './held-out.ts'

const CLASSES = 3
/** Right about all, and not sure of any. */
const labels = Int32Array.of(0, 1, 2, 0)
const logits = (lead: number) =>
  Float32Array.from(
    [...labels].flatMap((label) => [0, 1, 2].map((at) => (at === label ? lead : 0))),
  )

it('finds one that has all right no worse than one that has one wrong', () => {
  const wrong = logits(1)
  wrong.set([0, 1, 0], 0)
  const [one, all] = [wrong, logits(1)].map((each) => judgeSmoothed(labels, each, CLASSES))
  expect(one).toEqual(judgeLogits(labels, wrong, CLASSES))
  expect(one?.accuracy).toBe(0.75)
  expect(all?.accuracy).toBe(1)
  expect(all?.loss).toBeLessThan(one?.loss ?? 0)
})

it('makes scores as sure as one wrong photo more lets them be', () => {
  const { temperature } = judgeSmoothed(labels, logits(1), CLASSES)
  // Of five photos four are right, all with the same lead: no temperature is better than that of a mean score of 4 / 5.
  const score = Math.exp(1 / temperature) / (Math.exp(1 / temperature) + 2)
  expect(score).toBeCloseTo(4 / 5, 6)
})
