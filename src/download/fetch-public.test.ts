/** A real server on 127.0.0.2 stands for the internet, one on 127.0.0.1 for what lies inside. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { type FetchPublicOptions, fetchPublic } from './fetch-public.ts'
import { isPublicAddress } from './public-address.ts'

const PUBLIC = '127.0.0.2'
const INSIDE = '127.0.0.1'
const PHOTO = Buffer.from('a photo')

let outside: Server
let inside: Server
let answer: RequestListener
let asked: string[]
let askedInside: number
const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeAll(async () => {
  outside = createServer((request, response) => {
    asked.push(`${request.headers.host} ${request.url}`)
    answer(request, response)
  })
  inside = createServer((_request, response) => {
    askedInside++
    response.end('a secret')
  })
  await once(outside.listen(0, PUBLIC), 'listening')
  await once(inside.listen(0, INSIDE), 'listening')
})
beforeEach(() => {
  asked = []
  askedInside = 0
  answer = (_request, response) => response.end(PHOTO)
})
afterAll(() => {
  for (const server of [outside, inside]) {
    server.closeAllConnections()
    server.close()
  }
})

/** Names of the fake name server; a list of lists is given one after the other. */
const NAMES: Record<string, string[]> = {
  'photos.example': [PUBLIC],
  'inside.example': [INSIDE],
  'metadata.example': ['169.254.169.254'],
  'both.example': [PUBLIC, INSIDE],
  'six.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
}

const isPublic = (address: string) => address === PUBLIC || isPublicAddress(address)

function get(url: string, options: Partial<FetchPublicOptions> = {}) {
  return fetchPublic(url, {
    maxBytes: 1000,
    timeoutMs: 2000,
    ports: [portOf(outside), portOf(inside)],
    network: { resolve: async (name) => NAMES[name] ?? [], isPublic },
    ...options,
  })
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return error instanceof VergerError ? `${error.code}: ${error.message}` : `other: ${error}`
  }
  return 'none'
}

const at = (host: string, path = '/p.jpg') => `http://${host}:${portOf(outside)}${path}`

describe('a public address', () => {
  test('is asked under its name, and its bytes are given', async () => {
    expect(Buffer.from(await get(at('photos.example')))).toEqual(PHOTO)
    expect(asked).toEqual([`photos.example:${portOf(outside)} /p.jpg`])
  })

  test('is asked without anything that says who asks', async () => {
    let headers: unknown
    answer = (request, response) => {
      headers = request.headers
      response.end(PHOTO)
    }
    await get(at('photos.example'))
    expect(Object.keys(headers as object).toSorted()).toEqual([
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ])
  })

  test('is asked past the proxies of the environment', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
      vi.stubEnv(name, `http://${INSIDE}:${portOf(inside)}`)
    }
    await get(at('photos.example')).finally(() => vi.unstubAllEnvs())
    expect(askedInside).toBe(0)
  })

  test('is named once, and the connection goes to what was checked', async () => {
    const answers = [[PUBLIC], [INSIDE], [INSIDE]]
    let count = 0
    const resolve = async () => answers[count++] ?? []
    await get(at('rebind.example'), { network: { resolve, isPublic } })
    expect(count).toBe(1)
    expect(askedInside).toBe(0)
  })
})

describe('what lies inside is not asked', () => {
  test.each([
    'inside.example',
    'metadata.example',
    'both.example',
    'six.example',
    'mapped.example',
    'nowhere.example',
    'localhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '0',
    '0.0.0.0',
    '127.0.0.1.',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '169.254.169.254',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fd00:ec2::254]',
  ])('%s', async (host) => {
    const url = `http://${host}:${portOf(inside)}/`
    expect(await codeOf(get(url))).toBe(
      'url_refused: Expected a URL that leads to public addresses, received another',
    )
    expect(askedInside).toBe(0)
  })

  test('after a name has come to mean another address', async () => {
    const answers = [[INSIDE]]
    const network = { resolve: async () => answers.shift() ?? [PUBLIC], isPublic }
    expect(await codeOf(get(at('rebind.example'), { network }))).toMatch(/^url_refused/)
  })
})

describe('a redirect', () => {
  const redirect = (to: string, status = 302) => {
    answer = (request, response) => {
      if (request.url === '/p.jpg') response.writeHead(status, { location: to }).end('moved')
      else response.end(PHOTO)
    }
  }

  test.each([301, 302, 303, 307, 308])('of the status %i is followed', async (status) => {
    redirect('/other.jpg', status)
    expect(Buffer.from(await get(at('photos.example')))).toEqual(PHOTO)
    expect(asked).toHaveLength(2)
  })

  test.each([
    `http://${INSIDE}/`,
    'http://inside.example/',
    'http://[::ffff:127.0.0.1]/',
    'http://0x7f.1/',
    '//inside.example/',
  ])('to %s is not followed', async (to) => {
    redirect(to.replace(/(.)\/$/, `$1:${portOf(inside)}/`))
    expect(await codeOf(get(at('photos.example')))).toMatch(/^url_refused.*public addresses/)
    expect(askedInside).toBe(0)
  })

  test.each([
    ['another protocol', 'file:///etc/passwd', /^url_refused.*received file:/],
    ['another port', 'http://photos.example:22/', /^url_refused.*received 22/],
    ['a password', 'http://a:b@photos.example/', /^url_refused.*no name or password/],
    ['no URL', 'http://', /^url_refused.*whole http or https URL/],
  ])('to %s is not followed', async (_what, to, message) => {
    redirect(to)
    expect(await codeOf(get(at('photos.example')))).toMatch(message)
  })

  test('in a circle ends', async () => {
    redirect('/p.jpg')
    expect(await codeOf(get(at('photos.example')))).toMatch(/^url_failed.*more than 5 redirects/)
    expect(asked).toHaveLength(6)
  })

  test('without a place is a failure', async () => {
    answer = (_request, response) => response.writeHead(302).end()
    expect(await codeOf(get(at('photos.example')))).toMatch(/^url_failed.*status 302/)
  })

  test('whose body never ends is followed at once', async () => {
    answer = (request, response) => {
      if (request.url !== '/p.jpg') return response.end(PHOTO)
      response.writeHead(302, { location: '/other.jpg' }).write(Buffer.alloc(100_000))
    }
    expect(Buffer.from(await get(at('photos.example')))).toEqual(PHOTO)
  })
})

describe('a URL', () => {
  test.each([
    ['ftp://photos.example/', /received ftp:/],
    ['data:image/png;base64,AAAA', /received data:/],
    ['gopher://photos.example/', /received gopher:/],
    ['photos.example/p.jpg', /whole http or https URL/],
    ['', /whole http or https URL/],
    ['http://user@photos.example/', /no name or password/],
    ['http://photos.example:6379/', /Expected the port .* received 6379/],
    ['https://photos.example/', /received 443/],
    ['http://photos.example/', /received 80/],
  ])('%s is refused', async (url, message) => {
    const said = await codeOf(get(url))
    expect(said).toMatch(/^url_refused/)
    expect(said).toMatch(message)
    expect(asked).toEqual([])
  })
})

describe('an answer', () => {
  test('that states more bytes than a photo may have is refused by its head', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-length': 1001 }).write('a')
    expect(await codeOf(get(at('photos.example')))).toMatch(/^photo_too_large.*received 1001/)
  })

  test('that never ends is cut off at the limit', async () => {
    answer = (_request, response) => {
      const more = (): unknown => response.write(Buffer.alloc(300)) && setImmediate(more)
      more()
    }
    expect(await codeOf(get(at('photos.example')))).toMatch(/^photo_too_large.*received more/)
  })

  test.each([
    ['head', (): unknown => undefined],
    [
      'body',
      (response: import('node:http').ServerResponse) => {
        const timer = setInterval(() => response.write('a'), 50)
        response.once('close', () => clearInterval(timer))
      },
    ],
  ])('whose %s is too slow is given up', async (_what, send) => {
    answer = (_request, response) => send(response)
    const startMs = performance.now()
    expect(await codeOf(get(at('photos.example'), { timeoutMs: 400 }))).toMatch(
      /^url_failed.*nothing whole within 400 ms/,
    )
    expect(performance.now() - startMs).toBeLessThan(1500)
  })

  test('is no longer waited for once the caller has left', async () => {
    answer = () => undefined
    const controller = new AbortController()
    const getting = codeOf(get(at('photos.example'), { signal: controller.signal }))
    await sleep(50)
    controller.abort(new VergerError('request_timeout', 'The client left'))
    expect(await getting).toBe('request_timeout: The client left')
  })

  test.each([204, 206, 304, 401, 404, 500])('of the status %i is a failure', async (status) => {
    answer = (_request, response) => response.writeHead(status).end()
    expect(await codeOf(get(at('photos.example')))).toMatch(`url_failed`)
  })

  test('that unpacks to more than it is is refused', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end()
    expect(await codeOf(get(at('photos.example')))).toMatch(/^url_failed.*encoding gzip/)
  })

  test('that ends early is a failure that names no address', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 500 }).write('a')
      response.destroy()
    }
    const said = await codeOf(get(at('photos.example')))
    expect(said).toMatch(/^url_failed/)
    expect(said).not.toContain(PUBLIC)
  })

  test('is counted as it comes, and ends where nobody can hold it', async () => {
    let count = 0
    const onBytes = (bytes: number) => {
      count += bytes
      throw new VergerError('overloaded', 'too many')
    }
    expect(await codeOf(get(at('photos.example'), { onBytes }))).toBe('overloaded: too many')
    expect(count).toBe(PHOTO.length)
  })
})

test('a name server that fails is a failure', async () => {
  const network = { resolve: () => Promise.reject(new Error('no name server')), isPublic }
  expect(await codeOf(get(at('photos.example'), { network }))).toMatch(/^url_failed/)
})
