import { expect, test } from 'vitest'
import { createFailureLimit } from './failure-limit.ts'

function createClock() {
  let timeMs = 1000
  return { now: () => timeMs, pass: (ms: number) => (timeMs += ms) }
}

test('forgives ten failures, then one every six seconds', () => {
  const { now, pass } = createClock()
  const limit = createFailureLimit(now)
  for (let count = 0; count < 10; count++) {
    expect(limit.waitMs('192.0.2.1')).toBe(0)
    limit.fail('192.0.2.1')
  }
  expect(limit.waitMs('192.0.2.1')).toBe(6000)
  expect(limit.waitMs('192.0.2.2')).toBe(0)
  pass(5999)
  expect(limit.waitMs('192.0.2.1')).toBe(1)
  pass(1)
  expect(limit.waitMs('192.0.2.1')).toBe(0)
  limit.fail('192.0.2.1')
  expect(limit.waitMs('192.0.2.1')).toBe(6000)
  pass(3_600_000)
  for (let count = 0; count < 10; count++) limit.fail('192.0.2.1')
  expect(limit.waitMs('192.0.2.1')).toBe(6000)
})

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', true],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::1', '::2', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
])('%s and %s are one: %s', (one, other, isOne) => {
  const limit = createFailureLimit(() => 0)
  for (let count = 0; count < 20; count++) limit.fail(one)
  expect(limit.waitMs(other) > 0).toBe(isOne)
})

test('remembers a bounded number of addresses', () => {
  const limit = createFailureLimit(() => 0)
  for (let count = 0; count < 20; count++) limit.fail('192.0.2.1')
  for (let count = 0; count < 10_000; count++) limit.fail(`10.0.${count >> 8}.${count & 255}`)
  expect(limit.waitMs('192.0.2.1')).toBe(0)
})
