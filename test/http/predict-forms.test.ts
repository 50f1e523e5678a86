/** Every form in which photos come to `POST /predict`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formOf, type PredictOptions, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const other = readPhoto('rgb.png')
const broken = readPhoto('truncated.jpg')
const base64 = photo.toString('base64')

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

async function ask(body: Buffer<ArrayBuffer> | FormData | string, options?: PredictOptions) {
  return predictionsOf(await predict(server.url, body, options))
}

async function askJson(body: unknown) {
  return ask(JSON.stringify(body), { type: 'application/json' })
}

describe('one photo', () => {
  test('as a raw body of its own type', async () => {
    expect(await ask(photo, { type: 'image/jpeg' })).toMatchObject([
      { source: 'photo', backbone: 'efficientnet-lite0', decision: 'ok' },
    ])
  })

  test('as a raw body of bytes', async () => {
    expect(await ask(photo, { type: 'application/octet-stream' })).toHaveLength(1)
  })

  test('as a raw body whose content type names another format', async () => {
    const [named] = await ask(photo, { type: 'image/png' })
    const [right] = await ask(photo, { type: 'image/jpeg' })
    expect(named).toEqual(right)
  })

  test('as a multipart file, whose name is the source', async () => {
    expect(await ask(formOf([['pomme verte.jpg', photo]]))).toMatchObject([
      { source: 'pomme verte.jpg' },
    ])
  })

  test('as base64 in JSON', async () => {
    expect(await askJson({ image: base64 })).toMatchObject([{ source: 'image', decision: 'ok' }])
  })

  test('as base64 in a JSON object with a name, which is the source', async () => {
    expect(await askJson({ image: { b64: base64, name: 'apple' } })).toMatchObject([
      { source: 'apple' },
    ])
  })

  test('has five labels, the best first, with scores from 0 to 1', async () => {
    const [{ top = [] } = {}] = await ask(photo, { type: 'image/jpeg' })
    const scores = top.map(({ score }) => score)
    expect(scores).toHaveLength(5)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(Math.min(...scores)).toBeGreaterThanOrEqual(0)
    expect(scores.reduce((sum, score) => sum + score)).toBeLessThanOrEqual(1)
    expect(top.every(({ label }) => label.length > 0)).toBe(true)
  })

  test('has the same answer in every form', async () => {
    const type = 'application/octet-stream'
    const forms = [
      await ask(photo, { type: 'image/jpeg' }),
      await ask(photo, { type }),
      await ask(formOf([['apple.jpg', photo]])),
      await askJson({ image: base64 }),
      await askJson({ image: { b64: base64 } }),
      await askJson({ images: [base64] }),
      await askJson({ image: `data:image/jpeg;base64,${base64}` }),
      await askJson({ image: photo.toString('base64url') }),
      await askJson({ image: base64.replace(/.{76}/g, '$&\n') }),
      await askJson({ image: base64.replace(/.{76}/g, '$&\r\n') }),
    ]
    const [expected] = forms
    for (const form of forms) {
      expect(form.map((each) => ({ ...each, source: 'photo' }))).toEqual(expected)
    }
  })
})

describe('the number of labels', () => {
  test.each([1, 7, 1000])('is the %i that is asked for', async (top) => {
    const [prediction] = await ask(photo, { type: 'image/jpeg', query: `top=${top}` })
    expect(prediction?.top).toHaveLength(top)
  })

  test('is the same for a multipart request', async () => {
    const [prediction] = await ask(formOf([['a.jpg', photo]]), { query: 'top=2' })
    expect(prediction?.top).toHaveLength(2)
  })

  test('of all labels has scores that add up to 1', async () => {
    const [prediction] = await ask(photo, { type: 'image/jpeg', query: 'top=1000' })
    const sum = prediction?.top?.reduce((total, { score }) => total + score, 0)
    expect(sum).toBeCloseTo(1, 5)
  })
})

describe('several photos', () => {
  test('in multipart keep their order and their names', async () => {
    const names = ['c.jpg', 'a.jpg', 'b.jpg', 'a.jpg']
    const predictions = await ask(formOf(names.map((name) => [name, photo])))
    expect(predictions.map(({ source }) => source)).toEqual(names)
  })

  test('in JSON are the one of image and then those of images', async () => {
    const predictions = await askJson({
      image: base64,
      images: [other.toString('base64'), { b64: base64, name: 'pear' }],
    })
    expect(predictions.map(({ source }) => source)).toEqual(['image', 'images[0]', 'pear'])
    expect(predictions[2]?.top).toEqual(predictions[0]?.top)
    expect(predictions[1]?.top).not.toEqual(predictions[0]?.top)
  })

  test('have the answers that each would have alone', async () => {
    const alone = [
      ...(await ask(photo, { type: 'image/jpeg' })),
      ...(await ask(other, { type: 'image/png' })),
    ]
    const together = await ask(
      formOf([
        ['apple.jpg', photo],
        ['pear.png', other],
      ]),
    )
    expect(together.map(({ top }) => top)).toEqual(alone.map(({ top }) => top))
  })

  test('are answered beside a bad one, which has its error in its place', async () => {
    const form = formOf([
      ['first.jpg', photo],
      ['bad.jpg', broken],
      ['last.png', other],
    ])
    const [first, bad, last] = await ask(form)
    expect(first).toMatchObject({ source: 'first.jpg', decision: 'ok' })
    expect(bad).toEqual({
      source: 'bad.jpg',
      error: {
        code: 'photo_truncated',
        message: expect.stringMatching(/Expected a whole JPEG photo, received 3392 bytes/),
        hint: expect.any(String),
      },
    })
    expect(last).toMatchObject({ source: 'last.png', decision: 'ok' })
  })

  test('are answered beside one that is no base64', async () => {
    const [first, bad, last] = await askJson({ images: [base64, 'a*b', base64] })
    expect(first?.top).toHaveLength(5)
    expect(bad?.error).toMatchObject({
      code: 'base64_invalid',
      message: expect.stringMatching(/images\[1\].*the character "\*" at position 1/),
    })
    expect(last?.top).toEqual(first?.top)
  })

  test('that are all bad are still answered one by one', async () => {
    const predictions = await ask(
      formOf([
        ['a', broken],
        ['b', readPhoto('empty.jpg')],
      ]),
    )
    expect(predictions.map(({ error }) => error?.code)).toEqual(['photo_truncated', 'photo_empty'])
  })
})
