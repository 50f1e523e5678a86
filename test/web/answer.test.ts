import { describe, expect, test } from 'vitest'
import { announcementFor } from '../../web/src/announcement.ts'
import {
  failureOf,
  isPausing,
  isWorthRetrying,
  nameOf,
  type Prediction,
  readAnswer,
  readJson,
} from '../../web/src/answer.ts'
import { stringsFor } from '../../web/src/strings.ts'

const top = [
  { label: 'Granny_Smith', score: 0.93 },
  { label: 'lemon', score: 0.004 },
]

async function read(body: unknown, init: ResponseInit = {}) {
  const response = new Response(JSON.stringify(body), init)
  return response.ok
    ? readAnswer(await readJson(response), response.status)
    : { failure: await failureOf(response, false) }
}

describe('readAnswer', () => {
  test('names the backbone, or the model with its version', async () => {
    const backbone = [{ source: 'photo', backbone: 'efficientnet-lite0', decision: 'ok', top }]
    expect(await read(backbone)).toEqual({
      prediction: { decision: 'ok', top, answerer: { backbone: 'efficientnet-lite0' } },
    })
    const model = [{ source: 'photo', model: 'fruits', version: 'v1', decision: 'unsure', top }]
    expect(await read(model)).toEqual({
      prediction: { decision: 'unsure', top, answerer: { model: 'fruits', version: 'v1' } },
    })
    expect(nameOf({ backbone: 'efficientnet-lite0' })).toBe('efficientnet-lite0')
    expect(nameOf({ model: 'fruits', version: 'v1' })).toBe('fruits v1')
  })

  test('keeps message and hint of a refusal, wherever it stands', async () => {
    const error = { code: 'photo_truncated', message: 'Expected …', hint: 'Copy …' }
    const failure = { kind: 'refused', ...error }
    expect(await read({ error }, { status: 422 })).toEqual({ failure: { ...failure, status: 422 } })
    expect(await read([{ source: 'photo', error }])).toEqual({
      failure: { ...failure, status: 200 },
    })
  })

  test('takes the seconds of Retry-After from a busy server', async () => {
    const error = { code: 'overloaded', message: 'Expected …' }
    expect(await read({ error }, { status: 503, headers: { 'retry-after': '2' } })).toEqual({
      failure: { kind: 'busy', retryAfterSeconds: 2, message: 'Expected …', hint: '' },
    })
  })

  test.each([
    ['no array', {}],
    ['an empty array', []],
    ['no scores', [{ backbone: 'b', decision: 'ok', top: [] }]],
    ['an unknown decision', [{ backbone: 'b', decision: 'maybe', top }]],
    ['a model without its version', [{ model: 'fruits', decision: 'ok', top }]],
  ])('does not take %s for an answer', async (_what, body) => {
    expect(await read(body)).toBeUndefined()
  })

  test('calls a page of a proxy unexpected', async () => {
    const response = new Response('<h1>Bad gateway</h1>', { status: 502 })
    expect(await failureOf(response, false)).toEqual({ kind: 'unexpected', status: 502 })
  })

  test.each([
    ['missing', 401, 'unauthorized', false],
    ['rejected', 401, 'unauthorized', true],
    ['insufficient', 403, 'forbidden', true],
  ])('knows that a token is %s', async (token, status, code, tokenWasSent) => {
    const response = Response.json({ error: { code, message: 'Expected …' } }, { status })
    expect(await failureOf(response, tokenWasSent)).toEqual({ kind: 'unauthorized', token })
  })

  test('takes a refusal of another kind for what it is', async () => {
    const response = Response.json(
      { error: { code: 'origin_refused', message: 'm' } },
      { status: 403 },
    )
    expect(await failureOf(response, true)).toMatchObject({ kind: 'refused', status: 403 })
  })
})

test('a fault of the server is worth retrying, a fault of the photo is not, and neither stops the rest', () => {
  const refused = { kind: 'refused', code: 'c', message: 'm', hint: '' } as const
  expect(isWorthRetrying({ ...refused, status: 500 })).toBe(true)
  expect(isWorthRetrying({ ...refused, status: 422 })).toBe(false)
  expect(isPausing({ ...refused, status: 500 })).toBe(false)
})

describe('announcementFor', () => {
  const prediction = (decision: Prediction['decision']): Prediction => ({
    decision,
    top: [
      { label: 'Granny_Smith', score: 0.93 },
      { label: 'lemon', score: 0.004 },
    ],
    answerer: { model: 'fruits', version: 'v1' },
  })

  test.each([
    ['ok', 'Granny Smith, 93 percent; then lemon, less than 1 percent.'],
    ['unsure', 'Not sure, could be Granny Smith, 93 percent; then lemon, less than 1 percent.'],
    [
      'unknown',
      'I do not know this one, closest is Granny Smith, 93 percent; then lemon, less than 1 percent.',
    ],
  ] as const)('says %s in words', (decision, sentence) => {
    expect(announcementFor(prediction(decision), stringsFor('en-GB'))).toBe(sentence)
  })

  test('speaks French', () => {
    expect(announcementFor(prediction('unsure'), stringsFor('fr'))).toBe(
      'Pas certain, peut-être Granny Smith, 93 pour cent ; puis lemon, moins de 1 pour cent.',
    )
  })
})
