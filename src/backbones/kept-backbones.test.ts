import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeTinyNetwork, TINY_NETWORK } from '../../test/support/tiny-network.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { findBackbone, listBackboneIds, resolveWeights } from './catalog.ts'
import { type BackboneDescription, deleteKeptBackbone, keepBackbone } from './kept-backbones.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-backbones-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const MODEL = encodeTinyNetwork()

const describeTiny = (id = 'tiny', model = MODEL): BackboneDescription => ({
  ...{ format: 1, id, architecture: 'tiny', network: TINY_NETWORK },
  labels: ['red', 'green', 'blue'],
  model: { sha256: sha256(model), sizeBytes: model.length },
  source: { location: '/photos/tiny.h5', sha256: 'a'.repeat(64), sizeBytes: 7 },
  ...{ licence: 'CC0', readAs: 'Keras HDF5', notes: [], createdAt: '2026-11-22T12:00:00.000Z' },
})

const keep = (id = 'tiny', model = MODEL) =>
  keepBackbone(home, id, async ({ modelPath }) => {
    writeFileSync(modelPath, model)
    return describeTiny(id, model)
  })

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a backbone of the home', () => {
  it('is found with its model, and alone', async () => {
    await keep()
    const backbone = findBackbone('tiny', home)
    expect(backbone).toMatchObject({ id: 'tiny', labels: ['red', 'green', 'blue'] })
    expect(backbone.network).toEqual(TINY_NETWORK)
    expect(readFileSync(resolveWeights(backbone)).equals(Buffer.from(MODEL))).toBe(true)
    expect(listBackboneIds(home)).toEqual(['efficientnet-lite0', 'tiny'])
    expect(readdirSync(join(home, 'backbones'))).toEqual(['tiny'])
  })

  it('is replaced by another of its id', async () => {
    const other = encodeTinyNetwork(2)
    await keep()
    await keep('tiny', other)
    expect(findBackbone('tiny', home).weights.sha256).toBe(sha256(other))
    expect(readdirSync(join(home, 'backbones'))).toEqual(['tiny'])
  })

  it('comes back where a process was killed while it replaced it', async () => {
    await keep()
    const root = join(home, 'backbones')
    mkdirSync(join(root, '.work-tiny-Ab3xYz'))
    renameSync(join(root, 'tiny'), join(root, '.work-tiny-Ab3xYz-old'))
    expect(codeOf(() => findBackbone('tiny', home))).toBe('backbone_unknown')
    await deleteKeptBackbone(home, 'other')
    expect(readdirSync(root)).toHaveLength(2)
    await deleteKeptBackbone(home, 'tiny')
    expect(readdirSync(root)).toEqual([])
  })

  it('stays as it was where making another one fails', async () => {
    await keep()
    const failing = keepBackbone(home, 'tiny', async ({ modelPath }) => {
      writeFileSync(modelPath, 'half')
      throw new VergerError('model_invalid', 'broken')
    })
    await expect(failing).rejects.toMatchObject({ code: 'model_invalid' })
    expect(findBackbone('tiny', home).weights.sha256).toBe(sha256(MODEL))
    expect(readdirSync(join(home, 'backbones'))).toEqual(['tiny'])
  })

  it('is deleted', async () => {
    await keep()
    await deleteKeptBackbone(home, 'tiny')
    expect(listBackboneIds(home)).toEqual(['efficientnet-lite0'])
    expect(readdirSync(join(home, 'backbones'))).toEqual([])
  })

  it('never takes the place of the shipped one', async () => {
    await keep('efficientnet-lite0')
    expect(findBackbone('efficientnet-lite0', home).architecture).toBe('efficientnet-lite0')
    expect(listBackboneIds(home)).toEqual(['efficientnet-lite0'])
  })

  it.each([
    ['no JSON', () => '{'],
    ['another id', (text: string) => text.replace('"tiny"', '"tony"')],
    ['a later format', (text: string) => text.replace('"format":1', '"format":2')],
    ['a layer that reads itself', (text: string) => text.replace('"input":2', '"input":3')],
    ['another width', (text: string) => text.replace('"width":3', '"width":4')],
    ['no side', (text: string) => text.replace('"size":32', '"size":"32"')],
    ['labels that are no texts', (text: string) => text.replace('"red"', '1')],
  ])('is refused where its description has %s', async (_words, change) => {
    await keep()
    const path = join(home, 'backbones/tiny/backbone.json')
    const text = readFileSync(path, 'utf8')
    expect(change(text)).not.toBe(text)
    writeFileSync(path, change(text))
    expect(codeOf(() => findBackbone('tiny', home))).toBe('backbone_damaged')
  })

  it('is refused where its model has another length', async () => {
    await keep()
    writeFileSync(join(home, 'backbones/tiny/model.onnx'), MODEL.subarray(1))
    expect(codeOf(() => resolveWeights(findBackbone('tiny', home)))).toBe('backbone_damaged')
  })
})

describe('an unknown backbone', () => {
  it.each(['../tiny', 'a/b', '.tiny', ''])('is not looked for at %s', async (id) => {
    expect(codeOf(() => findBackbone(id, home))).toBe('backbone_unknown')
  })

  it('that could be pulled comes with the command', () => {
    expect(() => findBackbone('inception-v3', home)).toThrow(
      expect.objectContaining({
        code: 'backbone_unknown',
        hint: expect.stringContaining('verger backbones pull inception-v3'),
      }),
    )
  })
})
