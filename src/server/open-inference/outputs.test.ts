import { describe, expect, test } from 'vitest'
import {
  bytesOfTensor,
  checkOutputs,
  describeOutputs,
  jsonOfTensor,
  tensorsOfAnswers,
} from './outputs.ts'
import { splitElements } from './tensors.ts'

const labels = ['apple', 'pear', 'plum']
const answers = [
  { labels, scores: [0.1, 0.7, 0.2] },
  { labels, scores: Float64Array.of(0.5, 0.25, 0.25) },
]
const ask = (...outputs: { name: string; classes?: number }[]) =>
  tensorsOfAnswers(answers, outputs.length === 0 ? undefined : outputs)

describe('outputs', () => {
  test('are all of those of an exported model where none is named', () => {
    const tensors = ask()
    expect(tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual(
      describeOutputs(3).map((each) => ({ ...each, shape: [2, ...each.shape.slice(1)] })),
    )
    expect(tensors.map(jsonOfTensor)).toEqual([
      [0.7, 0.2, 0.1, 0.5, 0.25, 0.25],
      ['pear', 'plum', 'apple', 'apple', 'pear', 'plum'],
      [0.1, 0.7, 0.2, 0.5, 0.25, 0.25],
    ])
  })

  test('come in the order in which they are asked for', () => {
    expect(ask({ name: 'labels' }, { name: 'scores' }).map(({ name }) => name)).toEqual([
      'labels',
      'scores',
    ])
  })

  test.each(['scores', 'probabilities'])(
    'of %s are classes where so many are asked for',
    (name) => {
      expect(ask({ name, classes: 2 })).toEqual([
        {
          name,
          datatype: 'BYTES',
          shape: [2, 2],
          values: ['0.7:1:pear', '0.2:2:plum', '0.5:0:apple', '0.25:1:pear'],
        },
      ])
    },
  )

  test('have no more classes than the model', () => {
    expect(ask({ name: 'scores', classes: 9 })[0]?.shape).toEqual([2, 3])
  })

  test('name at most ten labels, classes as many as asked for', () => {
    const many = Array.from({ length: 30 }, (_, index) => `label ${index}`)
    const answer = { labels: many, scores: many.map((_, index) => index / 435) }
    const [scores, classes] = tensorsOfAnswers(
      [answer],
      [{ name: 'scores' }, { name: 'probabilities', classes: 20 }],
    )
    expect(scores?.shape).toEqual([1, 10])
    expect(scores?.values).toHaveLength(10)
    expect(classes?.values).toHaveLength(20)
  })

  test('are bytes: floats, and texts behind their length', () => {
    const [named, probabilities] = ask({ name: 'labels' }, { name: 'probabilities' })
    const texts = named && splitElements(bytesOfTensor(named), 6, 'labels')
    expect(texts?.map(String)).toEqual(named?.values)
    const bytes = probabilities && Uint8Array.from(bytesOfTensor(probabilities))
    expect(new Float32Array(bytes?.buffer ?? new ArrayBuffer())).toEqual(probabilities?.values)
  })
})

test.each([
  [
    [{ name: 'x', isBinary: false }],
    /Expected scores, labels, probabilities as outputs, received "x"/,
  ],
  [[{ name: 'labels', isBinary: false, classes: 1 }], /classification of probabilities or scores/],
])('an output is refused: %j', (requested, message) => {
  expect(() => checkOutputs(requested)).toThrow(message)
})
