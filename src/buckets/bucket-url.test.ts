import { describe, expect, it } from 'vitest'
import { parseBucketUrl } from './bucket-url.ts'

describe('parseBucketUrl', () => {
  it.each([
    ['s3://photos', { scheme: 's3', bucket: 'photos', prefix: '' }],
    ['s3://photos/', { scheme: 's3', bucket: 'photos', prefix: '' }],
    [
      'gs://my.bucket_1/models/fruits/v1/',
      { scheme: 'gs', bucket: 'my.bucket_1', prefix: 'models/fruits/v1' },
    ],
    ['s3://photos/with space/ä', { scheme: 's3', bucket: 'photos', prefix: 'with space/ä' }],
  ])('reads %s', (text, expected) => {
    expect(parseBucketUrl(text)).toEqual(expected)
  })

  it.each([
    '',
    's3:photos',
    's3://',
    's3:///prefix',
    'http://photos/prefix',
    's3://Photos',
    's3://ab',
    's3://photos/a//b',
    's3://photos/../b',
    's3://photos/.',
    's3://photos/a?versionId=1',
  ])('refuses %j', (text) => {
    expect(() => parseBucketUrl(text)).toThrow(
      expect.objectContaining({
        code: 'bucket_url_invalid',
        message: expect.stringContaining(text),
      }),
    )
  })
})
