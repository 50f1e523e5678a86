import { describe, expect, test } from 'vitest'
import type { VergerError } from '../../../core/errors.ts'
import { parseMessage } from './parse-message.ts'

const parseVersion = (body: unknown) => parseMessage('GoogleCloudMlV1__Version', body, 'version')

function faultsOf(body: unknown): readonly string[] {
  try {
    parseVersion(body)
  } catch (error) {
    return (error as VergerError).message.split('\n')
  }
  return []
}

describe('parseMessage', () => {
  test('takes names in camel and in snake case', () => {
    const expected = { name: 'v1', deploymentUri: 'gs://b/m', autoScaling: { minNodes: 1 } }
    expect(
      parseVersion({ name: 'v1', deploymentUri: 'gs://b/m', autoScaling: { minNodes: 1 } }),
    ).toEqual(expected)
    expect(
      parseVersion({ name: 'v1', deployment_uri: 'gs://b/m', auto_scaling: { min_nodes: '1' } }),
    ).toEqual(expected)
  })

  test('takes an absent body as an empty message, and null as an absent field', () => {
    expect(parseVersion(undefined)).toEqual({})
    expect(parseVersion({ name: null })).toEqual({})
  })

  test('keeps the keys of maps as they are, and int64 as text', () => {
    expect(
      parseVersion({ labels: { a_b: 'x', __proto__x: 'y' }, acceleratorConfig: { count: 2 } }),
    ).toEqual({ labels: { a_b: 'x', __proto__x: 'y' }, acceleratorConfig: { count: '2' } })
  })

  test('drops what only the service sets', () => {
    expect(parseVersion({ name: 'v1', state: 'READY', isDefault: true })).toEqual({ name: 'v1' })
  })

  test('names all faults with what it received', () => {
    expect(
      faultsOf({
        name: 7,
        framework: 'CAFFE',
        labels: { a: 1 },
        packageUris: 'x',
        autoScaling: { minNodes: 1.5, foo: 1 },
        etag: '%%',
        nope: 1,
      }),
    ).toEqual([
      "Invalid value at 'version.name' (TYPE_STRING), 7",
      `Invalid value at 'version.framework' (FRAMEWORK_UNSPECIFIED, TENSORFLOW, SCIKIT_LEARN, XGBOOST), "CAFFE"`,
      "Invalid value at 'version.labels[a]' (TYPE_STRING), 1",
      `Invalid value at 'version.package_uris' (a list), "x"`,
      "Invalid value at 'version.auto_scaling.min_nodes' (TYPE_INT32), 1.5",
      `Invalid JSON payload received. Unknown name "foo" at 'version.auto_scaling': Cannot find field.`,
      `Invalid value at 'version.etag' (TYPE_BYTES, in base64), "%%"`,
      `Invalid JSON payload received. Unknown name "nope" at 'version': Cannot find field.`,
    ])
  })

  test.each([[[]], ['v1'], [7]])('refuses %j in place of an object', (body) => {
    expect(faultsOf(body)[0]).toMatch(/^Invalid value at 'version' \(an object\)/)
  })
})
