/** One predictor answers with versions on several backbones; each is opened when it is first needed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import { keepModel } from '../../dist/backbones/kept-backbones.js'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { createNetworkBundle } from '../../dist/importing/network-bundle.js'
import { openServingHost } from '../../dist/serving/serving-host.js'
import { bundleVersion, type VersionSource } from '../../dist/serving/version-source.js'
import { countLeakedWorkers } from '../support/live-workers.ts'
import { photoPath } from '../support/photos.ts'
import { encodeTinyNetwork, TINY_NETWORK } from '../support/tiny-network.ts'

const { limits } = readConfig({})
const LABELS = ['red', 'green', 'blue']
const home = mkdtempSync(join(tmpdir(), 'verger-several-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

async function keep(id: string, gain: number) {
  const model = encodeTinyNetwork(gain)
  await keepModel(
    home,
    {
      ...{ format: 1, id, architecture: id, network: TINY_NETWORK, labels: LABELS },
      model: { sha256: sha256(model), sizeBytes: model.length },
      source: { location: 'tiny.onnx', sha256: 'a'.repeat(64), sizeBytes: 7 },
      ...{ licence: 'CC0', readAs: 'ONNX', notes: [], createdAt: '2026-11-22T12:00:00.000Z' },
    },
    model,
  )
  return createNetworkBundle(
    {
      backbone: findBackbone(id, home),
      labels: LABELS,
      imported: { sha256: 'a'.repeat(64), readAs: 'ONNX', notes: [] },
    },
    { limits },
  )
}

let versions: VersionSource
beforeAll(async () => {
  const bundles = new Map([
    ['one', bundleVersion(await keep('one', 1))],
    ['two', bundleVersion(await keep('two', 2))],
  ])
  versions = {
    revision: () => 'first',
    find: async (model) =>
      model === undefined ? undefined : bundles.get(model)?.find(undefined, undefined),
  }
})

describe('a predictor', () => {
  const photo = photoPath('rgb.png')
  const source = 'rgb.png'

  it('answers with each backbone that is asked for, as that backbone alone does', async () => {
    const predictor = openServingHost({ home, versions, workers: 1, limits })
    try {
      const own = await predictor.predict({ source, photo, top: 1 })
      expect(own).toMatchObject({ backbone: 'efficientnet-lite0' })
      const [one, two] = await Promise.all(
        ['one', 'two'].map((model) => predictor.predict({ source, photo, model, top: 3 })),
      )
      for (const [id, answer] of [['one', one] as const, ['two', two] as const]) {
        const alone = openServingHost({ home, backbone: id, workers: 1, limits })
        const expected = await alone.predict({ source, photo, top: 3 }).finally(() => alone.close())
        expect(answer?.top.map(({ label }) => label)).toEqual(
          expected.top.map(({ label }) => label),
        )
        for (const [at, { score }] of expected.top.entries()) {
          expect(answer?.top[at]?.score).toBeCloseTo(score, 5)
        }
      }
      expect(one?.top).not.toEqual(two?.top)
      expect(predictor.load).toMatchObject({ waiting: 0, running: 0 })
    } finally {
      await predictor.close()
    }
    expect(await countLeakedWorkers()).toBe(0)
    await expect(predictor.predict({ source, photo, model: 'one' })).rejects.toMatchObject({
      code: 'server_closing',
    })
  })

  it('says which backbone is missing, and goes on with the others', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'verger-elsewhere-'))
    const predictor = openServingHost({ home: elsewhere, versions, workers: 1, limits })
    try {
      await expect(predictor.predict({ source, photo, model: 'one' })).rejects.toMatchObject({
        code: 'backbone_unknown',
        message: expect.stringContaining("'one'"),
      })
      expect(await predictor.predict({ source, photo })).toMatchObject({ decision: 'ok' })
    } finally {
      await predictor.close()
      rmSync(elsewhere, { recursive: true })
    }
  })
})
