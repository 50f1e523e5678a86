import { describe, expect, it } from 'vitest'
import { createPredictionWriter } from './prediction-formats.ts'

const answer = (decision: 'ok' | 'unsure' | 'unknown') => ({
  source: 'a.jpg',
  model: 'fruits',
  version: 'v1',
  decision,
  top: [{ label: 'plum', score: 0.25 }],
})

describe('the text form', () => {
  it.each([
    ['ok', ''],
    ['unsure', 'Decision unsure: no label scores high enough to be sure\n'],
    ['unknown', 'Decision unknown: unlike any photo this model was trained on\n'],
  ] as const)('says what an answer dares to say: %s', (decision, line) => {
    const writer = createPredictionWriter('text', true)
    expect(writer.write(answer(decision))).toBe(`Predicted:\nScore 0.25, Label plum\n${line}`)
  })
})
