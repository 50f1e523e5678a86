import { expect, test } from 'vitest'
import { redactUrl } from './redact-url.ts'

test.each([
  ['/predict', '/predict'],
  ['/predict?model=fruits&top=3', '/predict?model=fruits&top=3'],
  ['/v1/models?access_token=secret', '/v1/models?access_token=…'],
  ['/v1/models?alt=json&key=secret&x=1', '/v1/models?alt=json&key=…&x=1'],
  ['/v1/models?key=secret&key=secret', '/v1/models?key=…&key=…'],
  ['/v1/models?%6bey=secret', '/v1/models?%6bey=…'],
  ['/v1/models?access%5Ftoken=secret', '/v1/models?access%5Ftoken=…'],
  ['/v1/models?key=a=secret', '/v1/models?key=…'],
  ['/v1/models?key', '/v1/models?key=…'],
  ['/v1/models?keys=3', '/v1/models?keys=3'],
  ['/v1/models?a?key=3', '/v1/models?a?key=3'],
  ['/?', '/?'],
])('%s is logged as %s', (url, logged) => {
  expect(redactUrl(url)).toBe(logged)
})
