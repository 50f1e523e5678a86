import { describe, expect, test } from 'vitest'
import { parseUpdateMask, valueAt, withValueAt } from './update-mask.ts'

const CHANGEABLE = ['description', 'labels', 'autoScaling.minNodes', 'defaultVersion.name']

describe('parseUpdateMask', () => {
  test.each([
    ['description', ['description']],
    ['labels,description', ['labels', 'description']],
    ['default_version.name', ['defaultVersion.name']],
    ['autoScaling.min_nodes, labels', ['autoScaling.minNodes', 'labels']],
  ])('reads %s', (mask, paths) => {
    expect(parseUpdateMask(mask, CHANGEABLE, 'version')).toEqual(paths)
  })

  test.each([undefined, '', ' , '])('wants a field where it receives %j', (mask) => {
    expect(() => parseUpdateMask(mask, CHANGEABLE, 'model')).toThrow(
      /Field: update_mask Error: Expected fields to change, received none; model has description, labels, auto_scaling.min_nodes/,
    )
  })

  test('names the fields that cannot be changed', () => {
    expect(() => parseUpdateMask('name,description,create_time', CHANGEABLE, 'model')).toThrow(
      /received name, create_time$/,
    )
  })
})

test('a path is read and written within a message', () => {
  const message = { autoScaling: { minNodes: 1, maxNodes: 4 }, name: 'v1' }
  expect(valueAt(message, 'autoScaling.minNodes')).toBe(1)
  expect(valueAt(message, 'manualScaling.nodes')).toBeUndefined()
  expect(withValueAt(message, ['autoScaling', 'minNodes'], 2)).toEqual({
    autoScaling: { minNodes: 2, maxNodes: 4 },
    name: 'v1',
  })
  expect(withValueAt({}, ['manualScaling', 'nodes'], 3)).toEqual({ manualScaling: { nodes: 3 } })
  expect(withValueAt(message, ['autoScaling'], undefined)).toEqual({ name: 'v1' })
})
