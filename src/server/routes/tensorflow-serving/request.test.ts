import { describe, expect, test } from 'vitest'
import { VergerError } from '../../../core/errors.ts'
import { parseClassifyBody, parsePredictBody } from './request.ts'

const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])
const text = JPEG.toString('base64')
const b64 = { b64: text }
const twice = { b64: Buffer.from(text).toString('base64') }

const predict = (body: unknown) => parsePredictBody(Buffer.from(JSON.stringify(body)))
const classify = (body: unknown) => parseClassifyBody(Buffer.from(JSON.stringify(body)))

describe('a photo is', () => {
  test.each<[unknown, boolean]>([
    [{ instances: [text] }, true],
    [{ instances: [b64] }, true],
    [{ instances: [twice] }, true],
    [{ instances: [{ image_base64: text }] }, true],
    [{ instances: [{ image_base64: b64 }] }, true],
    [{ instances: [{ image_bytes: b64 }] }, true],
    [{ instances: [{ image_bytes: b64 }], signature_name: 'serving_bytes' }, true],
    [{ instances: [b64], signature_name: 'serving_bytes', other: 1 }, true],
    [{ instances: [text], signature_name: '' }, true],
    [{ inputs: [text] }, false],
    [{ inputs: [b64] }, false],
    [{ inputs: { image_bytes: [b64] } }, false],
    [{ inputs: { image_base64: [text], ignored: 1 } }, false],
    [{ inputs: { image_bytes: [text] }, signature_name: 'serving_bytes' }, false],
  ])('%j', (body, isRow) => {
    const parsed = predict(body)
    expect(parsed.isRow).toBe(isRow)
    expect(parsed.photos.map((photo) => photo.read())).toEqual([JPEG])
  })

  test.each([
    { examples: [{ image_bytes: b64 }] },
    { examples: [{ image_base64: [text] }], context: {}, signature_name: 'serving_default' },
    { examples: [{ image_bytes: b64, weight: 1.5 }] },
  ])('an example: %j', (body) => {
    expect(classify(body).map((photo) => photo.read())).toEqual([JPEG])
  })

  test('found by its place when it is no base64', () => {
    const [, second] = predict({ instances: [b64, { b64: '!' }] }).photos
    expect(second?.source).toBe('instances[1]')
    expect(() => second?.read()).toThrow(
      /Expected base64 text in instances\[1\], received the character "!"/,
    )
  })
})

describe('a body is refused', () => {
  test.each([
    ['', 'JSON Parse error: The document is empty'],
    ['{', 'JSON Parse error: '],
    ['{"instances":[NaN]}', 'JSON Parse error: '],
    ['[1]', 'JSON Value: [1] Is not object'],
    ['{}', "Missing 'inputs' or 'instances' key"],
    [
      '{"instances":[],"inputs":[]}',
      `JSON Value: {"instances":[],"inputs":[]} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist `,
    ],
    ['{"instances":{}}', `JSON Value: {"instances":{}} Excepting 'instances' to be an list/array`],
    ['{"instances":[]}', `JSON Value: {"instances":[]} No values in 'instances' array`],
    [
      '{"instances":[1]}',
      `Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 1 Type: Number is not of expected type: string`,
    ],
    [
      '{"instances":["a",[true]]}',
      `Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: [true] Type: Array is not of expected type: string`,
    ],
    [
      '{"instances":[null]}',
      `Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: null Type: Null is not of expected type: string`,
    ],
    [
      '{"instances":[{"image_bytes":{"b64":1}}]}',
      `Failed to process element: 0 key: image_bytes of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: {"b64":1} Type: Object is not of expected type: string`,
    ],
    [
      '{"instances":[{"x":"a"}]}',
      `Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: x`,
    ],
    [
      '{"instances":[{}]}',
      `Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: image_base64`,
    ],
    [
      '{"instances":[{"image_bytes":"a","key":"0"}]}',
      `Failed to process element: 0 key: image_bytes of 'instances' list.`,
    ],
    [
      '{"instances":[{"image_bytes":"a"}],"signature_name":"serving_default"}',
      'does not have named input: image_bytes',
    ],
    ['{"instances":["a",{}]}', 'Expecting value/list but got object at item 1 of input list'],
    [
      '{"instances":[{"image_bytes":"a"},"b"]}',
      'Expecting object but got list at item 1 of input list',
    ],
    ['{"inputs":{"x":["a"]}}', "Missing named input: image_base64 in 'inputs' object."],
    ['{"inputs":"a"}', `Expected a list of photos in 'inputs', received "a"`],
    ['{"inputs":[]}', `Expected at least one photo in 'inputs'`],
    ['{"inputs":[1.5]}', 'JSON Value: 1.5 Type: Number is not of expected type: string'],
    [
      '{"instances":["a"],"signature_name":7}',
      `not formatted correctly. 'signature_name' key must be a string value.`,
    ],
    [
      '{"instances":["a"],"signature_name":"x"}',
      'Serving signature name: "x" not found in signature def',
    ],
  ])('of a prediction: %s', (body, message) => {
    expect(() => parsePredictBody(Buffer.from(body))).toThrow(VergerError)
    expect(() => parsePredictBody(Buffer.from(body))).toThrow(message)
  })

  test.each([
    ['{}', "When method is classify, key 'examples' is expected and was not found"],
    ['{"examples":1}', "Expecting 'examples' value to be an list/array"],
    ['{"examples":[]}', "'examples' value is an empty array"],
    ['{"examples":[1]}', 'Example must be JSON object but got JSON Number'],
    ['{"examples":[],"context":1}', 'Example must be JSON object but got JSON Number'],
    [
      '{"examples":[{"x":1}]}',
      'Expected one of the features image_base64 and image_bytes in examples[0], received x',
    ],
    [
      '{"examples":[{"image_bytes":[["a"]]}]}',
      'Feature: image_bytes has element with unexpected JSON type: Array',
    ],
    [
      '{"examples":[{"image_bytes":["a","b"]}]}',
      'Feature: image_bytes has element with unexpected JSON type: Array',
    ],
    [
      '{"examples":[{"image_bytes":1}]}',
      'Feature: image_bytes has element with unexpected JSON type: Number',
    ],
  ])('of a classification: %s', (body, message) => {
    expect(() => parseClassifyBody(Buffer.from(body))).toThrow(message)
  })

  test('and repeated only in part', () => {
    const long = JSON.stringify({ instances: { x: 'y'.repeat(10_000) } })
    expect(() => parsePredictBody(Buffer.from(long))).toThrow(/^.{1,200}$/)
  })
})
