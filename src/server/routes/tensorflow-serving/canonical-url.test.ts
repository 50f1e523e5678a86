import { expect, test } from 'vitest'
import { canonicalUrl } from './canonical-url.ts'

test.each([
  ['/V1/Models/Fruits:Predict?A=B', '/v1/models/Fruits:predict?A=B'],
  ['/v1/models/Fruits/VERSIONS/V1:CLASSIFY', '/v1/models/Fruits/versions/V1:classify'],
  ['/v1/MODELS/Fruits/Labels/Stable/METADATA', '/v1/models/Fruits/labels/Stable/metadata'],
  ['/v1/models/Fruits/Metadata', '/v1/models/Fruits/metadata'],
  ['/V1/MODELS', '/v1/models'],
  ['/V1/MODELS?X', '/v1/models?X'],
  ['/V1/Projects/P', '/V1/Projects/P'],
  ['/v1/modelsX', '/v1/modelsX'],
  ['/V2/Models/Fruits', '/V2/Models/Fruits'],
])('%s is %s', (url, canonical) => {
  expect(canonicalUrl(url)).toBe(canonical)
})
