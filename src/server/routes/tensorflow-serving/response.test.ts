import { expect, test } from 'vitest'
import { writeClassifications, writePredictions } from './response.ts'

const answers = [
  { labels: ['apple', 'pe"ar'], scores: [0, 1] },
  { labels: ['apple', 'pe"ar'], scores: [1 - 1e-8, 1e-8] },
]

test('rows hold all outputs of a photo, their numbers with a point or an exponent', () => {
  expect(writePredictions(answers, true)).toBe(
    '{"predictions":[{"scores":[1.0,0.0],"labels":["pe\\"ar","apple"],"probabilities":[0.0,1.0]},' +
      '{"scores":[1.0,1e-8],"labels":["apple","pe\\"ar"],"probabilities":[1.0,1e-8]}]}',
  )
})

test('columns hold an output of all photos', () => {
  expect(writePredictions(answers, false)).toBe(
    '{"outputs":{"scores":[[1.0,0.0],[1.0,1e-8]],"labels":[["pe\\"ar","apple"],["apple","pe\\"ar"]],' +
      '"probabilities":[[0.0,1.0],[1.0,1e-8]]}}',
  )
})

test('classifications are pairs, the best first', () => {
  expect(writeClassifications(answers)).toBe(
    '{"results":[[["pe\\"ar",1.0],["apple",0.0]],[["apple",1.0],["pe\\"ar",1e-8]]]}',
  )
})
