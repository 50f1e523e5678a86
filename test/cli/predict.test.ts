/** What a transcript cannot show: peers, terminals, signals, pipes that close. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, outcomeOf, PHOTOS, type Sandbox } from './verger.ts'

let sandbox: Sandbox
beforeAll(() => {
  sandbox = createSandbox()
})
afterAll(() => sandbox.remove())

/** A folder of `count` photos that are one file under many names. */
function makeFolder(name: string, count: number): string {
  const folder = join(sandbox.folder, name)
  mkdirSync(folder)
  copyFileSync(join(PHOTOS, 'baseline.jpg'), join(folder, '0.jpg'))
  for (let index = 1; index < count; index++) symlinkSync('0.jpg', join(folder, `${index}.jpg`))
  return folder
}

describe('a photo at a URL', () => {
  const photo = readFileSync(join(PHOTOS, 'baseline.jpg'))
  const answers: Record<string, RequestListener> = {
    '/apple.jpg': (_request, response) => response.end(photo),
    '/page': (_request, response) => response.setHeader('content-type', 'image/jpeg').end('<html>'),
    '/moved': (_request, response) => response.writeHead(302, { location: '/apple.jpg' }).end(),
    '/circle': (_request, response) => response.writeHead(302, { location: '/circle' }).end(),
    '/cut': (_request, response) => {
      response.writeHead(200, { 'content-length': photo.length })
      response.write(photo.subarray(0, 1000), () => response.destroy())
    },
    '/endless': (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    },
  }
  let server: Server
  let url = ''
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers[request.url ?? '']
      if (answer === undefined) response.writeHead(404).end()
      else answer(request, response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it.each(['/apple.jpg', '/moved'])('is named: %s', async (path) => {
    const { stdout, stderr, exit } = await sandbox.run(`verger predict ${url}${path} --top 1`)
    expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 })
    expect(stdout).toMatch(/^Predicted:\nScore 0\.\d+, Label toilet_tissue\n$/)
  })

  it.each([
    ['not there', '/nope.jpg', /received the status 404 Not Found \[url_failed\]/],
    ['sent in circles', '/circle', /redirect.* \[url_failed\]/],
    ['cut off in the middle', '/cut', /\[url_failed\]/],
    [
      'larger than a photo may be',
      '/endless',
      /at most 100000 bytes, received more \[photo_too_large\]/,
    ],
    ['no photo', '/page', /\[photo_format_unknown\]/],
  ])('is a finding when it is %s', async (_words, path, message) => {
    const line = `verger predict ${url}${path} ${url}/apple.jpg --top 1`
    const { stdout, stderr, exit } = await sandbox.run(line, { VERGER_MAX_PHOTO_BYTES: '100000' })
    expect(exit).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`${url}${path}`)
    expect(stdout).toContain('toilet_tissue')
  })

  it('is a finding when nobody listens', async () => {
    const { stderr, exit } = await sandbox.run('verger predict http://127.0.0.1:1/apple.jpg')
    expect(exit).toBe(1)
    expect(stderr).toMatch(
      /^error http:\/\/127\.0\.0\.1:1\/apple\.jpg: .*\[url_failed\]\n {2}hint .*\n$/,
    )
  })
})

describe('the limits of a photo', () => {
  it.each(['baseline.jpg', 'rgb.png', 'exif-6.jpg'])('stand in the error for %s', async (name) => {
    const { stderr, exit } = await sandbox.run(`verger predict ${name}`, {
      VERGER_MAX_PHOTO_PIXELS: '1000',
    })
    expect(exit).toBe(1)
    expect(stderr).toMatch(
      /Expected at most 1000 pixels, received \d+ × \d+ = 19200 \[photo_too_many_pixels\]/,
    )
    expect(stderr).toContain('VERGER_MAX_PHOTO_PIXELS')
  })
})

describe('a folder that leads back to itself', () => {
  it('is walked once', async () => {
    const folder = makeFolder('loop', 1)
    symlinkSync('.', join(folder, 'again'))
    symlinkSync('..', join(folder, 'up'))
    const { stdout, exit } = await sandbox.run(`verger predict "${folder}" --top 1 --format csv`)
    expect(exit).toBe(0)
    expect(stdout.split('\n').filter((line) => line.includes('0.jpg'))).toHaveLength(1)
  })
})

describe('output that nobody reads on', () => {
  it('ends without a word', async () => {
    const folder = makeFolder('many', 300)
    const line = `{ verger predict "${folder}" --format ndjson --top 1; echo "exit $?" >&2; } | head -1`
    const { stdout, stderr } = await sandbox.run(line)
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'ok' })
    expect(stderr).toBe('exit 0\n')
  })
})

describe('progress', () => {
  /** Back to the start of the line, and erase it. */
  const ERASE = '\r\x1b[2K'
  const hasScript = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0

  it('is plain lines when piped', async () => {
    const folder = makeFolder('piped', 30)
    const { stderr } = await sandbox.run(`verger predict "${folder}" --top 1`)
    expect(stderr).toMatch(/^30 photos in [\dhms]+ \([\d,]+\/s\)\n$/)
  })

  it.skipIf(!hasScript)(
    'is one line that is redrawn on a terminal (skipped without util-linux script)',
    async () => {
      const folder = makeFolder('terminal', 100)
      const line = `verger predict "${folder}" --format csv --top 1 > /dev/null`
      const { stdout, exit } = await sandbox.run(`script -qec '${line}' /dev/null`)
      expect(exit).toBe(0)
      const drawn = stdout.trimEnd().split(ERASE)
      expect(drawn.length).toBeGreaterThan(2)
      expect(drawn[1]).toMatch(/^[█░]{24} \d+ % {2}\d+ of 100 photos, [\d,]+\/s, [\dhms]+ left$/)
      expect(drawn.at(-1)).toMatch(/^100 photos in [\dhms]+ \([\d,]+\/s\)$/)
      expect(stdout.split('\n')).toHaveLength(2)
    },
  )

  it.skipIf(!hasScript)(
    'has no colours with NO_COLOR (skipped without util-linux script)',
    async () => {
      const line = `script -qec 'verger predict nope.jpg' /dev/null`
      expect((await sandbox.run(line)).stdout).toContain('\x1b[31merror\x1b[39m')
      expect((await sandbox.run(line, { NO_COLOR: '1' })).stdout).not.toContain('\x1b[31m')
    },
  )
})

describe('Ctrl+C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends a long run promptly: %s', async (signal) => {
    const folder = makeFolder(signal, 5000)
    const child = sandbox.start(`exec verger predict "${folder}" --format ndjson --top 1`)
    if (child.stdout === null) throw new Error('the process has no pipes')
    const ended = outcomeOf(child)
    await once(child.stdout, 'data')
    await sleep(50)
    const startMs = performance.now()
    child.kill(signal)
    const { stderr, exit } = await ended
    expect(performance.now() - startMs).toBeLessThan(2000)
    expect(exit).toBe(signal)
    expect(stderr).toBe('')
  })
})
