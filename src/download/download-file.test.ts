import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type FileHandler,
  type FileServer,
  sendFile,
  startFileServer,
} from '../../test/support/file-server.ts'
import { type Download, type DownloadOptions, downloadFile } from './download-file.ts'

const FILE = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 2654435761) >>> 13))
const OTHER = Buffer.from(FILE).fill(7, 100_000)
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let folder: string
let to: string
let server: FileServer | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-download-'))
  to = join(folder, 'sub/fruits.zip')
})
afterEach(async () => {
  await server?.close()
  server = undefined
  rmSync(folder, { recursive: true, force: true })
})

let notes: string[]
async function download(
  handler: FileHandler,
  options: Partial<DownloadOptions> = {},
): Promise<Download> {
  notes = []
  await server?.close()
  server = await startFileServer(handler)
  return downloadFile({
    ...{ url: server.url, to, stallMs: 300, retryMs: 1 },
    onNote: (note) => notes.push(note),
    ...options,
  })
}

function expectWhole(file: Download, bytes = FILE): void {
  expect(file).toEqual({ sha256: hashOf(bytes), sizeBytes: bytes.length })
  expect(readFileSync(to).equals(bytes)).toBe(true)
  expect(readdirSync(join(folder, 'sub'))).toEqual(['fruits.zip'])
}

describe('downloadFile', () => {
  it('gives a whole file with its hash, and counts its bytes', async () => {
    const seen: (readonly [number, number | undefined])[] = []
    const file = await download((request, response) => sendFile(request, response, FILE), {
      onProgress: (done, total) => seen.push([done, total]),
      sha256: hashOf(FILE),
      expectedBytes: FILE.length,
    })
    expectWhole(file)
    expect(seen.at(0)).toEqual([0, FILE.length])
    expect(seen.at(-1)).toEqual([FILE.length, FILE.length])
    expect(server?.ranges).toEqual([undefined])
  })

  it('gives a file whose length nobody states', async () => {
    expectWhole(
      await download((_request, response) => {
        response.write(FILE)
        response.end()
      }),
    )
  })

  it('continues where connections were cut', async () => {
    const file = await download((request, response, count) =>
      sendFile(request, response, FILE, count < 3 ? { cutAfter: 100_000 } : {}),
    )
    expectWhole(file)
    expect(server?.ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-', 'bytes=300000-'])
    expect(notes.at(0)).toBe('A connection that was cut; trying again')
  })

  it('continues where the server stalls', async () => {
    const file = await download((request, response, count) =>
      sendFile(request, response, FILE, count === 0 ? { stallAfter: 150_000 } : {}),
    )
    expectWhole(file)
    expect(server?.ranges).toEqual([undefined, 'bytes=150000-'])
    expect(notes).toEqual(['No further byte in time; trying again'])
  })

  it('does not give up while every attempt brings something', async () => {
    const cutAfter = 70_000
    const small = FILE.subarray(0, 70_000 * 10)
    const many = Buffer.concat([small, small, small])
    const file = await download((request, response) =>
      sendFile(request, response, many, { cutAfter }),
    )
    expectWhole(file, many)
    expect(server?.ranges.length).toBeGreaterThan(10)
  })

  it('continues in another call, as after a killed process', async () => {
    const abort = new AbortController()
    const handler: FileHandler = (request, response, count) =>
      sendFile(request, response, FILE, count === 0 ? { stallAfter: 120_000 } : {})
    server = await startFileServer(handler)
    const options = { url: server.url, to, retryMs: 1 }
    const onProgress = (done: number) => done === 120_000 && abort.abort(new Error('killed'))
    await expect(downloadFile({ ...options, signal: abort.signal, onProgress })).rejects.toThrow(
      'killed',
    )
    expect(existsSync(to)).toBe(false)
    expectWhole(await downloadFile(options))
    expect(server.ranges).toEqual([undefined, 'bytes=120000-'])
  })

  it('starts over where the file changed between two parts', async () => {
    const file = await download((request, response, count) =>
      count === 0
        ? sendFile(request, response, FILE, { cutAfter: 200_000 })
        : sendFile(request, response, OTHER, { etag: '"v2"' }),
    )
    expectWhole(file, OTHER)
    expect(notes).toContain('The file has changed at the server; starting over')
  })

  it('starts over where the server ignores If-Range and the tag tells that the file changed', async () => {
    const file = await download((request, response, count) => {
      if (count === 0) return sendFile(request, response, FILE, { cutAfter: 200_000 })
      delete request.headers['if-range']
      return sendFile(request, response, OTHER, { etag: '"v2"' })
    })
    expectWhole(file, OTHER)
  })

  it('starts over where the server cannot continue', async () => {
    const file = await download((request, response, count) => {
      delete request.headers.range
      sendFile(request, response, FILE, count === 0 ? { cutAfter: 200_000 } : {})
    })
    expectWhole(file)
    expect(notes).toContain('The server cannot continue; starting over')
  })

  it('never continues what has no strong validator', async () => {
    const etag = 'W/"weak"'
    const file = await download((request, response, count) =>
      sendFile(request, response, FILE, count === 0 ? { etag, cutAfter: 200_000 } : { etag }),
    )
    expectWhole(file)
    expect(server?.ranges).toEqual([undefined, undefined])
  })

  it('starts over where the server sends another part than was asked for', async () => {
    const file = await download((request, response, count) => {
      if (count === 0) return sendFile(request, response, FILE, { cutAfter: 200_000 })
      if (count > 1) return sendFile(request, response, FILE)
      const body = FILE.subarray(1)
      return response
        .writeHead(206, { etag: '"v1"', 'content-range': `bytes 1-399999/${FILE.length}` })
        .end(body)
    })
    expectWhole(file)
    expect(server?.ranges).toEqual([undefined, 'bytes=200000-', undefined])
  })

  it('starts over on a 416', async () => {
    const file = await download((request, response, count) => {
      if (count === 0) return sendFile(request, response, FILE, { cutAfter: 200_000 })
      if (count === 1) return response.writeHead(416, { 'content-range': 'bytes */1000' }).end()
      return sendFile(request, response, FILE)
    })
    expectWhole(file)
  })

  it('waits as long as a 503 asks, and tries again', async () => {
    const startMs = performance.now()
    const file = await download((request, response, count) =>
      count < 2
        ? response.writeHead(503, { 'retry-after': '1' }).end()
        : sendFile(request, response, FILE),
    )
    expectWhole(file)
    expect(performance.now() - startMs).toBeGreaterThan(1900)
    expect(notes).toEqual(['The status 503; trying again', 'The status 503; trying again'])
  })

  it.each([
    ['shorter', 300_000],
    ['longer', 500_000],
  ])('is not fooled by a body that is %s than announced', async (words, statedLength) => {
    // A header that is too small hides the rest of the file; only a checksum tells.
    const isHidden = words === 'shorter'
    await expect(
      download(
        (request, response) =>
          sendFile(request, response, FILE, { statedLength, cutAfter: FILE.length }),
        { sha256: hashOf(FILE) },
      ),
    ).rejects.toMatchObject({ code: isHidden ? 'checksum_mismatch' : 'download_failed' })
    expect(existsSync(to)).toBe(false)
  })

  it('refuses another size than the publisher states before it downloads', async () => {
    const attempt = download((request, response) => sendFile(request, response, FILE), {
      expectedBytes: 399_999,
    })
    await expect(attempt).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('Expected the 399999 bytes'),
    })
  })

  it('refuses another file than the published one, names both hashes and keeps nothing', async () => {
    const attempt = download((request, response) => sendFile(request, response, OTHER), {
      sha256: hashOf(FILE),
    })
    await expect(attempt).rejects.toMatchObject({
      code: 'checksum_mismatch',
      details: { expected: hashOf(FILE), received: hashOf(OTHER) },
    })
    expect(readdirSync(join(folder, 'sub'))).toEqual([])
  })

  it('starts over where the part that was here is damaged', async () => {
    const handler: FileHandler = (request, response) => sendFile(request, response, FILE)
    const abort = new AbortController()
    const onProgress = (done: number) => done > 0 && abort.abort(new Error('killed'))
    const options = { sha256: hashOf(FILE) }
    server = await startFileServer(handler)
    const { url } = server
    await expect(
      downloadFile({ ...options, url, to, signal: abort.signal, onProgress }),
    ).rejects.toThrow('killed')
    const partial = readFileSync(`${to}.partial`)
    writeFileSync(`${to}.partial`, partial.fill(0))
    expect(partial.length).toBeGreaterThan(0)
    expectWhole(await downloadFile({ ...options, url, to }))
  })

  it('compares an MD5 where the publisher states no better checksum', async () => {
    const md5 = createHash('md5').update(FILE).digest('hex')
    const handler: FileHandler = (request, response) => sendFile(request, response, FILE)
    expectWhole(await download(handler, { md5 }))
    await expect(download(handler, { md5: 'a'.repeat(32) })).rejects.toMatchObject({
      code: 'checksum_mismatch',
      message: expect.stringContaining(
        `MD5 ${'a'.repeat(32)} that the publisher states, received ${md5}`,
      ),
    })
  })

  it('follows redirects, and resumes through them', async () => {
    const file = await download((request, response, count) => {
      if (request.url === '/fruits.zip') {
        return response.writeHead(302, { location: '/elsewhere?a=b' }).end('moved')
      }
      return sendFile(request, response, FILE, count === 1 ? { cutAfter: 100_000 } : {})
    })
    expectWhole(file)
    expect(server?.ranges).toEqual([undefined, undefined, 'bytes=100000-', 'bytes=100000-'])
  })

  it.each([
    ['in circles', '/fruits.zip', 'after at most 10 redirects'],
    ['to a file', 'file:///etc/passwd', 'file:///etc/passwd'],
    ['to nowhere', 'http://', 'http://'],
  ])('refuses redirects %s', async (_words, location, words) => {
    const attempt = download((_request, response) => response.writeHead(302, { location }).end())
    await expect(attempt).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining(words),
    })
  })

  it.each([
    ['by its type', 'text/html; charset=utf-8', 'Please log in'],
    ['by its start', 'application/zip', '\n<!DOCTYPE html><html>'],
  ])('refuses a web page, known %s', async (_words, type, body) => {
    const attempt = download((_request, response) =>
      response.writeHead(200, { 'content-type': type }).end(body),
    )
    await expect(attempt).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('a web page'),
    })
    expect(server?.ranges).toHaveLength(1)
  })

  it.each([
    [404, 'may have moved'],
    [403, 'wants a login'],
  ])('takes the status %i for an answer', async (status, words) => {
    await expect(
      download((_request, response) => response.writeHead(status).end()),
    ).rejects.toMatchObject({ code: 'download_failed', hint: expect.stringContaining(words) })
    expect(server?.ranges).toHaveLength(1)
  })

  it('gives up after seven attempts that brought nothing', async () => {
    const attempt = download((request, response) =>
      sendFile(request, response, FILE, { cutAfter: 0 }),
    )
    await expect(attempt).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('7 times in a row'),
    })
    expect(server?.ranges).toHaveLength(7)
  })

  it('says so where nobody listens', async () => {
    server = await startFileServer(() => {})
    const { url } = server
    await server.close()
    server = undefined
    await expect(downloadFile({ url, to, retryMs: 1 })).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('a refused connection'),
    })
  })

  it.each([
    ['published', { expectedBytes: 2 ** 50 }, {}],
    ['announced', {}, { statedLength: 2 ** 50, cutAfter: 10 }],
  ])('looks for space first, by the %s size', async (_words, options, sendOptions) => {
    const attempt = download(
      (request, response) => sendFile(request, response, FILE, sendOptions),
      options,
    )
    await expect(attempt).rejects.toMatchObject({ code: 'disk_full' })
  })
})
