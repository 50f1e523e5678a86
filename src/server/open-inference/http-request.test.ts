import { describe, expect, test } from 'vitest'
import { VergerError } from '../../core/errors.ts'
import { parseInferBody } from './http-request.ts'

const input = { name: 'image_bytes', datatype: 'BYTES', shape: [1] }

function body(head: unknown, ...tensors: readonly Uint8Array[]) {
  const json = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head))
  return { bytes: Buffer.concat([json, ...tensors]), length: String(json.length) }
}

function messageOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    expect(error).toBeInstanceOf(VergerError)
    expect(error).toMatchObject({ code: 'request_invalid' })
    return (error as VergerError).message
  }
  throw new Error('Expected an error')
}

describe('a body', () => {
  test('of JSON alone has its values in it', () => {
    const { bytes } = body({
      id: '7',
      inputs: [{ ...input, data: ['/9j/'] }],
      outputs: [{ name: 'labels' }, { name: 'scores', parameters: { classification: 3 } }],
    })
    expect(parseInferBody(bytes, undefined)).toEqual({
      id: '7',
      isBinary: false,
      inputs: [{ ...input, contents: ['/9j/'] }],
      outputs: [
        { name: 'labels', isBinary: false },
        { name: 'scores', isBinary: false, classes: 3 },
      ],
    })
  })

  test('with bytes behind the JSON gives each tensor its own', () => {
    const [first, second] = [Buffer.from('abc'), Buffer.from('de')]
    const head = {
      parameters: { binary_data_output: true },
      inputs: [
        { ...input, parameters: { binary_data_size: 3 } },
        { ...input, parameters: { binary_data_size: 2 } },
      ],
      outputs: [{ name: 'labels' }, { name: 'scores', parameters: { binary_data: false } }],
    }
    const { bytes, length } = body(head, first, second)
    const parsed = parseInferBody(bytes, length)
    expect(parsed.inputs.map(({ contents }) => Buffer.from(contents as Uint8Array))).toEqual([
      first,
      second,
    ])
    expect(parsed.isBinary).toBe(true)
    expect(parsed.outputs?.map(({ isBinary }) => isBinary)).toEqual([true, false])
  })

  test('without outputs asks for all of them', () => {
    const { bytes } = body({ inputs: [{ ...input, data: ['a'] }], outputs: [] })
    expect(parseInferBody(bytes, undefined).outputs).toBeUndefined()
  })
})

describe('a body is refused', () => {
  test.each([
    ['-1', /at most the 2 bytes of the body, received "-1"/],
    ['3', /at most the 2 bytes of the body, received "3"/],
    ['1e9', /received "1e9"/],
    ['', /received ""/],
    ['0x2', /received "0x2"/],
    ['9'.repeat(400), /received "9{40}"/],
  ])('whose JSON is said to be %j long', (length, message) => {
    expect(messageOf(() => parseInferBody(Buffer.from('{}'), length))).toMatch(message)
  })

  test.each([
    ['', /Expected JSON/],
    ['{', /Expected JSON/],
    ['[]', /Expected a JSON object, received \[\]/],
    ['null', /Expected a JSON object, received null/],
    ['{}', /inputs is missing/],
    ['{"inputs":{}}', /inputs must be a list, received {}/],
    ['{"inputs":[1]}', /inputs\[0\] must be an object, received 1/],
    ['{"id":1,"inputs":[]}', /id must be text, received 1/],
    ['{"inputs":[{"data":[]}]}', /inputs\[0\].name must be text, received nothing/],
    ['{"inputs":[{"data":[]}]}', /inputs\[0\].datatype must be text, received nothing/],
    ['{"inputs":[{"data":[],"shape":[1.5]}]}', /shape must be a list of whole numbers/],
    ['{"inputs":[{"data":[],"shape":[1e99]}]}', /shape must be a list of whole numbers/],
    ['{"inputs":[{"data":"x"}]}', /inputs\[0\].data must be a list, received "x"/],
    ['{"inputs":[{}]}', /inputs\[0\] must have either data or/],
    ['{"inputs":[{"parameters":7}]}', /inputs\[0\].parameters must be an object, received 7/],
    ['{"inputs":[],"parameters":[]}', /parameters must be an object, received \[\]/],
    ['{"inputs":[],"parameters":{"binary_data_output":1}}', /must be true or false, received 1/],
    ['{"inputs":[],"outputs":{}}', /outputs must be a list/],
    ['{"inputs":[],"outputs":[{}]}', /outputs\[0\] must be an object with a name/],
    [
      '{"inputs":[],"outputs":[{"name":"a","parameters":{"classification":0}}]}',
      /classification must be a whole number from 1 on, received 0/,
    ],
    [
      '{"inputs":[{"parameters":{"shared_memory_region":"r"}}]}',
      /shares no memory with its clients/,
    ],
    ['{"inputs":[{"parameters":{"binary_data_size":-1}}]}', /from 0 on, received -1/],
    ['{"inputs":[{"parameters":{"binary_data_size":1e300}}]}', /from 0 on, received 1e\+300/],
    ['{"inputs":[{"parameters":{"binary_data_size":9}}]}', /is 9, and 0 bytes are left/],
    [
      '{"inputs":[{"data":[],"parameters":{"binary_data_size":0}}]}',
      /either data or parameters.binary_data_size/,
    ],
  ])('%s', (text, message) => {
    expect(messageOf(() => parseInferBody(Buffer.from(text), undefined))).toMatch(message)
  })

  test('that is no UTF-8', () => {
    expect(messageOf(() => parseInferBody(Buffer.of(0x7b, 0xff, 0x7d), undefined))).toMatch(
      /Expected JSON/,
    )
  })

  test('with bytes that belong to no tensor', () => {
    const head = { inputs: [{ ...input, parameters: { binary_data_size: 1 } }] }
    const { bytes, length } = body(head, Buffer.from('abc'))
    expect(messageOf(() => parseInferBody(bytes, length))).toMatch(/2 bytes are left behind/)
  })
})
