/** Weights are pulled from servers that stall, cut, lie and redirect; what is kept is whole and was checked. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findBackbone, resolveWeights } from '../../dist/backbones/catalog.js'
import { readConfig } from '../../dist/core/config.js'
import { type GetBackboneOptions, getBackbone } from '../../dist/importing/get-backbone.js'
import { planImport, planPull } from '../../dist/importing/plan-backbone.js'
import { openServingHost } from '../../dist/serving/serving-host.js'
import { mobileNetV2 } from '../../src/backbones/architectures/mobilenet-v2.ts'
import {
  type FileHandler,
  type FileServer,
  sendFile,
  startFileServer,
} from '../support/file-server.ts'
import { writeKerasWeights } from '../support/keras-weights.ts'
import { photoPath } from '../support/photos.ts'

let weights: Buffer
let others: Buffer
beforeAll(async () => {
  weights = Buffer.from(await writeKerasWeights(mobileNetV2))
  others = Buffer.from(await writeKerasWeights(mobileNetV2, { seed: 2 }))
})

let home: string
let server: FileServer | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-pull-'))
})
afterEach(async () => {
  await server?.close()
  server = undefined
  rmSync(home, { recursive: true, force: true })
})

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const send: FileHandler = (request, response) => sendFile(request, response, weights)

let notes: string[]
async function pull(
  handler: FileHandler = send,
  options: GetBackboneOptions & { id?: string } = {},
) {
  notes = []
  await server?.close()
  server = await startFileServer(handler)
  const { origin } = new URL(server.url)
  const { id = 'mobilenet-v2', ...rest } = options
  const plan = await planPull({ id }, { home, cwd: home, weightsUrl: `${origin}/mirror/` })
  const stall = { stallMs: 300, retryMs: 1 }
  return getBackbone(plan, home, { ...stall, onNote: (note) => notes.push(note), ...rest })
}

const namesThere = () => readdirSync(join(home, 'backbones')).sort()

function expectPulled(): void {
  expect(readdirSync(join(home, 'backbones/mobilenet-v2')).sort()).toEqual([
    'backbone.json',
    'model.onnx',
  ])
  const backbone = findBackbone('mobilenet-v2', home)
  expect(hashOf(readFileSync(resolveWeights(backbone)))).toBe(backbone.weights.sha256)
  expect(readdirSync(join(home, 'backbones/.downloads'))).toEqual([])
}

describe('verger backbones pull', () => {
  it('keeps the network of the file, and the path of the mirror', async () => {
    let asked: string | undefined
    const { backbone, isNew, check } = await pull((request, response) => {
      asked = request.url
      sendFile(request, response, weights)
    })
    expect(asked).toBe(
      '/mirror/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5',
    )
    expect({ isNew, check }).toEqual({ isNew: true, check: 'recorded' })
    expect(backbone).toMatchObject({
      id: 'mobilenet-v2',
      licence: 'Apache-2.0',
      readAs: 'Keras HDF5',
      source: { sha256: hashOf(weights), sizeBytes: weights.length },
    })
    expect(backbone.labels[899]).toBe('water_jug')
    expectPulled()
    expect(namesThere()).toEqual(['.downloads', 'checksums.json', 'mobilenet-v2'])
  })

  it('gives a network that answers, at its own side and at another', async () => {
    await pull()
    const { limits } = readConfig({})
    const predictor = openServingHost({ backbone: 'mobilenet-v2', home, workers: 1, limits })
    const photo = photoPath('rgb.png')
    const { top, ...answer } = await predictor.predict({ source: 'rgb.png', photo, top: 1000 })
    await predictor.close()
    expect(answer).toEqual({ source: 'rgb.png', backbone: 'mobilenet-v2', decision: 'ok' })
    expect(top.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5)
  })

  it('does nothing where it is there', async () => {
    await pull()
    const second = await pull(() => {
      throw new Error('asked again')
    })
    expect(second).toMatchObject({ isNew: false, backbone: { id: 'mobilenet-v2' } })
  })

  it('continues where connections were cut, through redirects', async () => {
    await pull((request, response, count) => {
      if (request.url?.startsWith('/mirror/')) {
        return response.writeHead(302, { location: '/elsewhere' }).end()
      }
      return sendFile(request, response, weights, count < 4 ? { cutAfter: 4_000_000 } : {})
    })
    expect(server?.ranges.filter((range) => range !== undefined).length).toBeGreaterThan(0)
    expectPulled()
  })

  it('continues where the server stalls', async () => {
    await pull((request, response, count) =>
      sendFile(request, response, weights, count === 0 ? { stallAfter: 1_000_000 } : {}),
    )
    expectPulled()
  })

  it('starts over where the server cannot continue (416)', async () => {
    await pull((request, response, count) => {
      if (request.headers.range !== undefined) return response.writeHead(416).end()
      return sendFile(request, response, weights, count === 0 ? { cutAfter: 2_000_000 } : {})
    })
    expect(server?.ranges).toEqual([undefined, 'bytes=2000000-', undefined])
    expectPulled()
  })

  it('is not fooled by a stated length', async () => {
    await pull((request, response, count) =>
      sendFile(
        request,
        response,
        weights,
        count === 0 ? { statedLength: weights.length + 1000, cutAfter: weights.length } : {},
      ),
    )
    expectPulled()
  })

  it('refuses a file with another hash than the published one, and keeps nothing of it', async () => {
    const failing = pull(send, { id: 'inception-v3' })
    await expect(failing).rejects.toMatchObject({
      code: 'checksum_mismatch',
      message: expect.stringContaining('MD5 9a0d58056eeedaa3f26cb7ebd46da564'),
    })
    expect(namesThere()).toEqual(['.downloads'])
    expect(readdirSync(join(home, 'backbones/.downloads'))).toEqual([])
  })

  it('refuses a file that has changed since the first time, until it is accepted', async () => {
    await pull()
    rmSync(join(home, 'backbones/mobilenet-v2'), { recursive: true })
    const changed: FileHandler = (request, response) => sendFile(request, response, others)
    const { origin } = new URL(server?.url ?? '')
    await server?.close()
    server = await startFileServer(changed)
    const plan = await planPull(
      { id: 'mobilenet-v2' },
      { home, cwd: home, weightsUrl: `${origin}/mirror/` },
    )
    // Another server has another port; a record is one of a URL.
    const record = join(home, 'backbones/checksums.json')
    const moved = readFileSync(record, 'utf8').replace(origin, new URL(server.url).origin)
    writeFileSync(record, moved)
    const again = await planPull(
      { id: 'mobilenet-v2' },
      { home, cwd: home, weightsUrl: `${new URL(server.url).origin}/mirror/` },
    )
    expect(plan.folder).toBe(again.folder)
    await expect(getBackbone(again, home)).rejects.toMatchObject({
      code: 'checksum_mismatch',
      hint: expect.stringContaining('--accept-change'),
    })
    expect(existsSync(again.folder)).toBe(false)
    expect(await getBackbone(again, home, { acceptChange: true })).toMatchObject({
      check: 'accepted',
      backbone: { source: { sha256: hashOf(others) } },
    })
    expect(server.ranges).toHaveLength(1)
  })

  it('refuses a web page', async () => {
    const page: FileHandler = (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
    await expect(pull(page)).rejects.toMatchObject({ code: 'download_failed' })
    expect(namesThere()).toEqual(['.downloads'])
  })

  it('does not keep a file that cannot be read', async () => {
    const broken: FileHandler = (request, response) =>
      sendFile(request, response, weights.subarray(0, 1_000_000))
    await expect(pull(broken)).rejects.toMatchObject({ code: 'model_invalid' })
    expect(readdirSync(join(home, 'backbones/.downloads'))).toEqual([])
    expect(namesThere()).toEqual(['.downloads'])
  })

  it('makes a damaged one again', async () => {
    await pull()
    writeFileSync(join(home, 'backbones/mobilenet-v2/backbone.json'), '{')
    expect(await pull()).toMatchObject({ isNew: true })
    expectPulled()
  })
})

describe('a file that is here', () => {
  const write = (bytes: Buffer, name = 'weights.h5') => {
    writeFileSync(join(home, name), bytes)
    return name
  }

  it('stands for the download, and another one does not replace it unasked', async () => {
    const from = (name: string) =>
      planPull({ id: 'mobilenet-v2', from: name }, { home, cwd: home, weightsUrl: 'http://x/' })
    const first = await getBackbone(await from(write(weights)), home)
    expect(first).toMatchObject({ isNew: true, check: 'not-compared' })
    expect(await getBackbone(await from('weights.h5'), home)).toMatchObject({ isNew: false })
    const other = await from(write(others, 'others.h5'))
    await expect(getBackbone(other, home)).rejects.toMatchObject({ code: 'backbone_exists' })
    expect(await getBackbone(other, home, { force: true })).toMatchObject({
      backbone: { source: { sha256: hashOf(others) } },
    })
  })

  it('becomes a backbone with an id of its own, by its content', async () => {
    const request = { file: write(weights), architecture: 'mobilenet-v2' }
    const plan = await planImport(request, { home, cwd: home })
    expect(plan.id).toBe(`mobilenet-v2-${hashOf(weights).slice(0, 12)}`)
    await getBackbone(plan, home)
    expect(findBackbone(plan.id, home).architecture).toBe('mobilenet-v2')
  })

  it.each([
    ['the weights of another architecture', 'inception-v3', undefined, 'model_invalid', /shape/],
    [
      'too few labels',
      'mobilenet-v2',
      ['a', 'b'],
      'label_count_differs',
      /1000 labels.*received 2/,
    ],
  ])('is refused with %s', async (_words, architecture, labels, code, message) => {
    const request = { file: write(weights), architecture, name: 'mine', labels }
    const plan = await planImport(request, { home, cwd: home })
    await expect(getBackbone(plan, home)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(namesThere()).toEqual([])
  })
})
