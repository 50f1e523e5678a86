/** Who answers: versions of a registry and bundles, once they have shown that this machine can answer for them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import type { BundleManifest } from '../../dist/bundles/bundle-manifest.js'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { type Featurizer, openFeaturizer } from '../../dist/features/featurizer.js'
import { createSelfTest } from '../../dist/serving/self-test.js'
import { bundleVersion, registryVersions } from '../../dist/serving/version-source.js'
import { decodeSafetensors, encodeSafetensors } from '../../dist/tensor/safetensors.js'
import { createTinyBundle } from '../support/tiny-bundle.ts'
import { createHome, openHomeRegistry } from './homes.ts'

type Files = ReadonlyMap<string, Uint8Array>
let bundle: Files
let other: Files
beforeAll(async () => {
  bundle = await createTinyBundle()
  other = await createTinyBundle({ seed: 2, extras: { 'report.html': '<!doctype html>' } })
})

function withManifest(change: (manifest: BundleManifest) => object): Files {
  const manifest = JSON.parse(Buffer.from(bundle.get('bundle.json') ?? []).toString())
  return new Map(bundle).set('bundle.json', Buffer.from(JSON.stringify(change(manifest))))
}

describe('versions of a registry', () => {
  it('leave the answer to the backbone where no model is named', async () => {
    const { registry } = await openHomeRegistry()
    expect(await registryVersions(registry).find(undefined, undefined)).toBeUndefined()
  })

  it('answer by their names, by the default, and by the model that was set', async () => {
    const { registry } = await openHomeRegistry()
    await registry.register({ model: 'fruits', files: bundle })
    await registry.register({ model: 'fruits', files: other })
    const versions = registryVersions(registry, 'fruits')
    const first = await versions.find('fruits', 'v1')
    expect(first?.answerer).toEqual({ model: 'fruits', version: 'v1' })
    expect((await versions.find('fruits', undefined))?.answerer).toMatchObject({ version: 'v1' })
    expect((await versions.find(undefined, undefined))?.answerer).toMatchObject({ version: 'v1' })
    expect((await versions.find(undefined, 'v2'))?.answerer).toMatchObject({ version: 'v2' })
    // Loaded once, and without its report.
    expect((await versions.find('fruits', 'v1'))?.classifier).toBe(first?.classifier)
    const second = await versions.find('fruits', 'v2')
    expect([...(second?.files.keys() ?? [])]).not.toContain('report.html')
  })

  it('follow a default that another process changes', async () => {
    const home = createHome()
    const { registry } = await openHomeRegistry({ home })
    const { registry: elsewhere } = await openHomeRegistry({ home })
    await registry.register({ model: 'fruits', files: bundle })
    const versions = registryVersions(registry, 'fruits')
    await versions.find(undefined, undefined)
    await elsewhere.register({ model: 'fruits', files: other, setDefault: true })
    expect((await versions.find(undefined, undefined))?.answerer).toMatchObject({ version: 'v2' })
  })

  it('refuse names that are not there', async () => {
    const { registry } = await openHomeRegistry()
    const versions = registryVersions(registry)
    await expect(versions.find('fruits', undefined)).rejects.toMatchObject({
      code: 'model_unknown',
    })
    await registry.register({ model: 'fruits', files: bundle })
    await expect(versions.find('fruits', 'v9')).rejects.toMatchObject({ code: 'version_unknown' })
  })

  it('answer again once a damaged file was repaired', async () => {
    const home = createHome()
    const { registry } = await openHomeRegistry({ home })
    await registry.register({ model: 'fruits', files: bundle })
    const hash = sha256(bundle.get('head.safetensors') ?? new Uint8Array())
    const name = readdirSync(join(home, 'blobs'), { recursive: true, encoding: 'utf8' }).find(
      (each) => each.endsWith(hash) || each.replaceAll('/', '').endsWith(hash),
    )
    const path = join(home, 'blobs', name ?? '')
    const whole = readFileSync(path)
    const versions = registryVersions(registry, 'fruits')
    writeFileSync(path, Buffer.from(whole).fill(0, 100, 101))
    await expect(versions.find(undefined, undefined)).rejects.toMatchObject({
      code: 'blob_damaged',
    })
    writeFileSync(path, whole)
    expect((await versions.find(undefined, undefined))?.answerer).toMatchObject({ version: 'v1' })
  })
})

describe('a bundle without a name', () => {
  it('answers under its id', async () => {
    const served = await bundleVersion(bundle).find(undefined, undefined)
    expect(served?.answerer).toEqual({
      bundle: sha256(bundle.get('bundle.json') ?? new Uint8Array()),
    })
  })

  it('is loaded at once, so that a damaged one is refused before it is asked', () => {
    const damaged = new Map(bundle).set('head.safetensors', new Uint8Array(9))
    expect(() => bundleVersion(damaged)).toThrow(
      expect.objectContaining({ code: 'bundle_damaged' }),
    )
  })
})

describe('the self test', () => {
  const backbone = findBackbone('efficientnet-lite0')
  let featurizer: Featurizer
  let runs = 0
  beforeAll(() => {
    const real = openFeaturizer({ backbone, workers: 1, limits: readConfig({}).limits })
    featurizer = {
      ...real,
      run(...args) {
        runs++
        return real.run(...args)
      },
    }
  })
  afterAll(() => featurizer.close())

  async function test(files: Files, times = 1): Promise<string> {
    const served = await bundleVersion(files).find(undefined, undefined)
    if (served === undefined) throw new Error('no bundle')
    const selfTest = createSelfTest(backbone, featurizer)
    runs = 0
    const outcomes = await Promise.allSettled(Array.from({ length: times }, () => selfTest(served)))
    const [first] = outcomes
    return first?.status === 'rejected' ? first.reason.code : 'passed'
  }

  it('passes, and runs once for a bundle', async () => {
    expect(await test(bundle, 5)).toBe('passed')
    expect(runs).toBe(1)
  })

  it.each(['sha256', 'preprocessing'])('refuses a backbone with another %s', async (field) => {
    const changed = withManifest((manifest) => ({
      ...manifest,
      backbone: { ...manifest.backbone, [field]: 'f'.repeat(64) },
    }))
    expect(await test(changed)).toBe('backbone_differs')
    expect(runs).toBe(0)
  })

  it('refuses other views than those of the bundle', async () => {
    const changed = withManifest((manifest) => ({
      ...manifest,
      backbone: { ...manifest.backbone, views: [{ size: 96, mirrored: false }] },
    }))
    expect(await test(changed)).toBe('bundle_self_test_failed')
  })

  it('refuses features of the probe photo that are not those of the bundle', async () => {
    const tensors = decodeSafetensors(bundle.get('golden.safetensors') ?? new Uint8Array())
    const changed = [...tensors].map(([name, { dims, data }]) => {
      const values = name === 'probe' ? data.toReversed() : data
      return [name, { type: 'F32' as const, dims, data: values }] as const
    })
    const golden = encodeSafetensors(Object.fromEntries(changed))
    const files = new Map(
      withManifest((manifest) => ({
        ...manifest,
        files: {
          ...manifest.files,
          'golden.safetensors': { sha256: sha256(golden), sizeBytes: golden.length },
        },
      })),
    )
    expect(await test(files.set('golden.safetensors', golden))).toBe('bundle_self_test_failed')
  })
})
