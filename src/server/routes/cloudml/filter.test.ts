import { describe, expect, test } from 'vitest'
import { parseFilter } from './filter.ts'

const entry = {
  resource: { type: 'cloudml_job', labels: { job_id: 'train-7' } },
  timestamp: '2026-03-01T10:00:00.500Z',
  severity: 'INFO',
  size: 12,
  jobId: 'census_1',
}
const matches = (text: string | undefined) => parseFilter(text)(entry)

describe('parseFilter', () => {
  test.each([
    undefined,
    '',
    'severity=INFO',
    'severity="INFO" resource.labels.job_id="train-7"',
    '(resource.type="ml_job" OR resource.type="cloudml_job") AND resource.labels.job_id="train-7"',
    'timestamp>="1970-01-01T01:00:00.000000000Z" AND timestamp<"2026-03-01T10:00:00.600000+00:00"',
    'jobId:census* AND NOT severity:ERROR',
    'job_id:census',
    'size>9 AND size<=12',
    'missing!="x"',
  ])('takes %s', (text) => expect(matches(text)).toBe(true))

  test.each([
    'severity=ERROR',
    'resource.type="ml_job"',
    'timestamp>"2026-03-01T10:00:00.500Z"',
    'size>100',
    'missing="x"',
    'missing<"x"',
    'NOT severity=INFO',
    'resource="cloudml_job"',
    'severity.__proto__="x"',
  ])('leaves out %s', (text) => expect(matches(text)).toBe(false))

  test.each([
    ['severity', /one of =/],
    ['severity=', /a value, received the end/],
    ['(severity=INFO', /closing parenthesis/],
    ['severity=INFO)', /AND, OR or the end/],
    ['severity=~INFO', /one of =/],
    ['"x"=1', /name of a field/],
    ['"open', /Expected comparisons/],
    ['('.repeat(99), /levels of parentheses/],
  ])('refuses %s', (text, message) => expect(() => parseFilter(text)).toThrow(message))
})
