/** The servers themselves: that they are there, speak their protocol and are gone afterwards. */
import { afterAll, describe, expect, it } from 'vitest'
import { type ObjectServer, startGcs, startS3 } from '../support/object-servers.ts'

describe.each([
  ['S3', startS3, '/'],
  ['GCS', startGcs, '/storage/v1/b/photos'],
])('the %s server', (_name, start, path) => {
  let server: ObjectServer | undefined
  afterAll(() => server?.stop())

  it('answers, and makes buckets', async () => {
    server = await start()
    await server.createBucket('photos')
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`)
    // S3 wants a signature.
    expect([200, 403]).toContain(answer.status)
  })
})
