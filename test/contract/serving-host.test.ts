/** Who answers: versions of a registry and bundles, once they have shown that this machine can answer for them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { BundleManifest } from '../../dist/bundles/bundle-manifest.js'
import { readConfig } from '../../dist/core/config.js'
import { sha256 } from '../../dist/core/hashes.js'
import { setCanary, setShadow } from '../../dist/deployment/start-trial.js'
import { rollBack, switchDefault } from '../../dist/deployment/switch-default.js'
import type {
  AnsweredPhoto,
  DefaultSwitch,
  ShadowComparison,
} from '../../dist/serving/host-events.js'
import {
  openServingHost,
  type ServingHost,
  type ServingHostOptions,
} from '../../dist/serving/serving-host.js'
import {
  bundleVersion,
  registryVersions,
  type VersionSource,
} from '../../dist/serving/version-source.js'
import { decodeSafetensors, encodeSafetensors } from '../../dist/tensor/safetensors.js'
import { countLeakedWorkers } from '../support/live-workers.ts'
import { photoPath } from '../support/photos.ts'
import { createTinyBundle } from '../support/tiny-bundle.ts'
import { createHome, openHomeRegistry } from './homes.ts'

type Files = ReadonlyMap<string, Uint8Array>
const { limits } = readConfig({})
const photo = photoPath('rgb.png')
const source = 'rgb.png'

/** Two classifiers that name the same photo otherwise. */
let fruits: Files
let letters: Files
beforeAll(async () => {
  fruits = await createTinyBundle({ extras: { 'report.html': '<!doctype html>' } })
  letters = await createTinyBundle({ labels: ['a', 'b', 'c'] })
})

const hosts: ServingHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
  expect(await countLeakedWorkers()).toBe(0)
})

function openHost(versions: VersionSource, options: Partial<ServingHostOptions> = {}): ServingHost {
  const host = openServingHost({ workers: 1, limits, versions, ...options })
  hosts.push(host)
  return host
}

interface Reads {
  /** Names of the versions whose files were read. */
  readonly reads: string[]
  readonly versions: VersionSource
}

/** The versions of a registry; each loading is written down. */
function countReads(versions: VersionSource): Reads {
  const reads: string[] = []
  const counted: VersionSource = {
    ...versions,
    async find(model, version) {
      const offer = await versions.find(model, version)
      if (offer === undefined) return undefined
      const { answering } = offer
      const read = () => {
        reads.push(Object.values(answering.answerer).join('/'))
        return answering.read()
      }
      return { ...offer, answering: { ...answering, read } }
    },
  }
  return { reads, versions: counted }
}

/** A home with v1, which answers, and v2, and a host of it. */
async function setUp(options: Partial<ServingHostOptions> = {}) {
  const home = createHome()
  const { registry, store } = await openHomeRegistry({ home })
  await registry.register({ model: 'fruits', files: fruits })
  await registry.register({ model: 'fruits', files: letters })
  const { reads, versions } = countReads(
    registryVersions({ registry, blobs: store.blobs, home }, store.changes),
  )
  const host = openHost(versions, options)
  const answered: AnsweredPhoto[] = []
  const compared: ShadowComparison[] = []
  const switched: DefaultSwitch[] = []
  host.events.on('answered', (event) => answered.push(event))
  host.events.on('compared', (event) => compared.push(event))
  host.events.on('switched', (event) => switched.push(event))
  const ask = async (model?: string, version?: string): Promise<string> => {
    const { answerer, labels } = await host.answer({ source, photo, model, version })
    const [name = ''] = 'version' in answerer ? [answerer.version] : Object.values(answerer)
    // What answers is what it says it is.
    if (model !== undefined) expect(labels[0]).toBe(name === 'v1' ? 'Granny_Smith' : 'a')
    return name
  }
  return { home, registry, store, host, ask, reads, answered, compared, switched }
}

function withManifest(files: Files, change: (manifest: BundleManifest) => object): Files {
  const manifest = JSON.parse(Buffer.from(files.get('bundle.json') ?? []).toString())
  return new Map(files).set('bundle.json', Buffer.from(JSON.stringify(change(manifest))))
}

/** A bundle whose features of the probe photo are others than this machine computes. */
function failingBundle(files: Files): Files {
  const tensors = decodeSafetensors(files.get('golden.safetensors') ?? new Uint8Array())
  const changed = [...tensors].map(([name, { dims, data }]) => {
    const values = name === 'probe' ? data.toReversed() : data
    return [name, { type: 'F32' as const, dims, data: values }] as const
  })
  const golden = encodeSafetensors(Object.fromEntries(changed))
  const listed = { sha256: sha256(golden), sizeBytes: golden.length }
  const manifest = withManifest(files, (before) => ({
    ...before,
    files: { ...before.files, 'golden.safetensors': listed },
  }))
  return new Map(manifest).set('golden.safetensors', golden)
}

/** Path of a file of a bundle in the blob store of a home. */
function blobOf(home: string, files: Files, name: string): string {
  const hash = sha256(files.get(name) ?? new Uint8Array())
  const blobs = join(home, 'blobs')
  const found = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).find(
    (each) => each.replaceAll('/', '') === hash,
  )
  return join(blobs, found ?? '')
}

describe('a request', () => {
  it('is answered by the backbone, the default, or the version that it names', async () => {
    const { ask, host } = await setUp()
    expect(await ask()).toBe('efficientnet-lite0')
    expect(await ask('fruits')).toBe('v1')
    expect(await ask('fruits', 'v2')).toBe('v2')
    expect(await host.describe('fruits', 'v2')).toMatchObject({
      ...{ model: 'fruits', version: 'v2', labels: ['a', 'b', 'c'] },
      ...{ backbone: 'efficientnet-lite0', features: 1280, inputSize: 224 },
    })
    expect(await host.describe()).toMatchObject({ backbone: 'efficientnet-lite0' })
  })

  it.each([
    ['model', ['vegetables', undefined], 'model_unknown'],
    ['version', ['fruits', 'v9'], 'version_unknown'],
  ] as const)('for another %s is refused', async (_what, [model, version], code) => {
    const { host, registry, ask } = await setUp()
    await expect(host.answer({ source, photo, model, version })).rejects.toMatchObject({ code })
    await registry.register({ model: 'vegetables', files: letters })
    if (version === undefined) expect(await host.choose(model)).toBeDefined()
    expect(await ask('fruits')).toBe('v1')
  })

  it('loads a version once, however many wait for it, and without its report', async () => {
    const { ask, reads, host } = await setUp()
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask('fruits'))))).toEqual(
      new Set(['v1']),
    )
    expect(reads).toEqual(['fruits/v1'])
    expect(host.states()).toMatchObject([{ model: 'fruits', version: 'v1', state: 'ready' }])
  })

  it('has one version for all its photos, whatever is switched and deleted meanwhile', async () => {
    const { host, registry } = await setUp()
    const answering = await host.choose('fruits')
    const first = answering.answer({ source, photo })
    await switchDefault(host, registry, 'fruits', 'v2')
    await registry.deleteVersion('fruits', 'v1')
    await host.unload('fruits', 'v1')
    for (const answer of [await first, await answering.answer({ source, photo })]) {
      expect(answer).toMatchObject({
        answerer: { version: 'v1' },
        labels: ['Granny_Smith', 'pear', 'plum'],
      })
    }
    expect((await host.choose('fruits')).answerer).toEqual({ model: 'fruits', version: 'v2' })
  })
})

describe('a bundle without a name', () => {
  it('answers under its id', async () => {
    const host = openHost(bundleVersion(fruits))
    const id = sha256(fruits.get('bundle.json') ?? new Uint8Array())
    expect((await host.answer({ source, photo })).answerer).toEqual({ bundle: id })
  })

  it('is refused before it is asked where it is damaged', () => {
    const damaged = new Map(fruits).set('head.safetensors', new Uint8Array(9))
    expect(() => bundleVersion(damaged)).toThrow(
      expect.objectContaining({ code: 'bundle_damaged' }),
    )
  })
})

describe('a switch', () => {
  it('is there for the next request, and takes no time once the version is loaded', async () => {
    const { host, registry, ask, reads } = await setUp()
    expect(await ask('fruits')).toBe('v1')
    const change = await switchDefault(host, registry, 'fruits', 'v2', { why: 'letters' })
    expect(change).toMatchObject({ from: 'v1', to: 'v2', tookMs: expect.any(Number) })
    expect(await ask('fruits')).toBe('v2')
    for (let round = 0; round < 5; round++) {
      for (const version of ['v1', 'v2']) {
        await switchDefault(host, registry, 'fruits', version)
        expect(await ask('fruits')).toBe(version)
      }
    }
    expect(reads).toEqual(['fruits/v1', 'fruits/v2'])
    expect(await switchDefault(host, registry, 'fruits', 'v2')).toBeUndefined()
  })

  it('by another process is prepared without a request, and the old default answers until then', async () => {
    const { home, ask, reads, switched } = await setUp()
    expect(await ask('fruits')).toBe('v1')
    const { registry: elsewhere } = await openHomeRegistry({ home })
    await elsewhere.setDefault('fruits', 'v2')
    await expect.poll(() => reads, { timeout: 5000 }).toEqual(['fruits/v1', 'fruits/v2'])
    await expect.poll(() => ask('fruits')).toBe('v2')
    expect(switched).toEqual([{ model: 'fruits', from: 'v1', to: 'v2' }])
  })

  it('to a version that fails its self-test is refused, and says why', async () => {
    const { host, registry, ask } = await setUp()
    await registry.register({ model: 'fruits', version: 'bad', files: failingBundle(letters) })
    await expect(switchDefault(host, registry, 'fruits', 'bad')).rejects.toMatchObject({
      code: 'bundle_self_test_failed',
      message: expect.stringContaining('features of the probe photo'),
    })
    expect(await ask('fruits')).toBe('v1')
    expect((await registry.getModel('fruits')).defaultVersion).toBe('v1')
    expect(await registry.readHistory('fruits')).toHaveLength(1)
  })

  it('back to a version that is damaged by now is refused', async () => {
    const { home, host, registry, ask } = await setUp()
    await switchDefault(host, registry, 'fruits', 'v2')
    await host.unload('fruits', 'v1')
    writeFileSync(blobOf(home, fruits, 'bundle.json'), 'damaged')
    await expect(rollBack(host, registry, 'fruits')).rejects.toMatchObject({ code: 'blob_damaged' })
    expect(await ask('fruits')).toBe('v2')
    await registry.register({ model: 'fruits', version: 'v1', files: fruits })
    await host.unload('fruits', 'v1')
    expect(await rollBack(host, registry, 'fruits')).toMatchObject({ kind: 'rollback', to: 'v1' })
    expect(await ask('fruits')).toBe('v1')
    await expect(rollBack(host, registry, 'fruits')).rejects.toMatchObject({
      code: 'rollback_impossible',
    })
  })

  it('by another process to a version that cannot answer here leaves the old one, and says so', async () => {
    const said: object[] = []
    const log = { error: (facts: object) => void said.push(facts) }
    const { home, host, ask } = await setUp({ log })
    expect(await ask('fruits')).toBe('v1')
    const { registry: elsewhere } = await openHomeRegistry({ home })
    const files = failingBundle(letters)
    await elsewhere.register({ model: 'fruits', version: 'bad', files, setDefault: true })
    await expect.poll(() => said.length, { timeout: 5000 }).toBeGreaterThan(0)
    expect(said[0]).toMatchObject({
      err: { code: 'bundle_self_test_failed' },
      wanted: { version: 'bad' },
      answering: { version: 'v1' },
    })
    expect(host.states()).toContainEqual(
      expect.objectContaining({
        version: 'bad',
        state: 'failed',
        reason: expect.objectContaining({ code: 'bundle_self_test_failed' }),
      }),
    )
    expect(await ask('fruits')).toBe('v1')
    await elsewhere.setDefault('fruits', 'v2')
    await expect.poll(() => ask('fruits')).toBe('v2')
  })

  it('is not forgotten while the registry cannot be read', async () => {
    const { store, ask } = await setUp()
    expect(await ask('fruits')).toBe('v1')
    await store.close()
    expect(await ask('fruits')).toBe('v1')
  })
})

describe('a version that was deleted', () => {
  it('leaves memory, and its name may be given to another one', async () => {
    const { host, registry, ask } = await setUp()
    expect(await ask('fruits', 'v2')).toBe('v2')
    await registry.deleteVersion('fruits', 'v2')
    await expect.poll(() => host.states(), { timeout: 10_000 }).toEqual([])
    await registry.register({ model: 'fruits', version: 'v2', files: fruits })
    const { labels } = await host.answer({ source, photo, model: 'fruits', version: 'v2' })
    expect(labels[0]).toBe('Granny_Smith')
  })
})

describe('a version that cannot be loaded', () => {
  it.each([
    [
      'weights of its backbone',
      (files: Files) =>
        withManifest(files, (manifest) => ({
          ...manifest,
          backbone: { ...manifest.backbone, sha256: 'f'.repeat(64) },
        })),
      'backbone_differs',
    ],
    [
      'preprocessing',
      (files: Files) =>
        withManifest(files, (manifest) => ({
          ...manifest,
          backbone: { ...manifest.backbone, preprocessing: 'f'.repeat(64) },
        })),
      'backbone_differs',
    ],
    [
      'views',
      (files: Files) =>
        withManifest(files, (manifest) => ({
          ...manifest,
          backbone: { ...manifest.backbone, views: [{ size: 96, mirrored: false }] },
        })),
      'bundle_self_test_failed',
    ],
    ['features of the probe photo', failingBundle, 'bundle_self_test_failed'],
  ] as const)('because of other %s says so', async (_what, spoil, code) => {
    const host = openHost(bundleVersion(spoil(letters)))
    await expect(host.answer({ source, photo })).rejects.toMatchObject({ code })
    await expect(host.prepare(spoil(letters))).rejects.toMatchObject({ code })
  })

  it('does not cost a loading for each request, and answers once it was repaired', async () => {
    const { home, host, ask, reads } = await setUp()
    const path = blobOf(home, fruits, 'head.safetensors')
    const whole = readFileSync(path)
    writeFileSync(path, Buffer.from(whole).fill(0, 100, 101))
    for (let round = 0; round < 5; round++) {
      await expect(ask('fruits')).rejects.toMatchObject({ code: 'blob_damaged' })
    }
    expect(reads).toEqual(['fruits/v1'])
    expect(host.states()).toMatchObject([{ state: 'failed', reason: { code: 'blob_damaged' } }])
    writeFileSync(path, whole)
    await host.unload('fruits', 'v1')
    expect(await ask('fruits')).toBe('v1')
  })
})

describe('a bundle that was prepared', () => {
  it('is loaded when it gets its name', async () => {
    const { host, registry, ask, reads } = await setUp()
    await host.prepare(letters)
    expect(host.states()).toEqual([])
    await switchDefault(host, registry, 'fruits', 'v2')
    expect(await ask('fruits')).toBe('v2')
    expect(reads).toEqual([])
  })
})

describe('beyond the memory that versions may take', () => {
  it('the one that was not used longest is unloaded, and loaded again when it is asked for', async () => {
    const probe = await setUp()
    await probe.ask('fruits')
    const [{ bytes } = { bytes: 0 }] = probe.host.states()
    // Room for the backbone of one worker, for one version, and not for a second.
    const backboneBytes = 60 * 1024 * 1024 + 1.5 * 18_538_519
    const { host, ask, reads } = await setUp({
      limits: { ...limits, loadedBytes: Math.ceil(backboneBytes + 1.5 * bytes) },
    })
    for (const version of ['v1', 'v1', 'v2', 'v1'])
      expect(await ask('fruits', version)).toBe(version)
    expect(reads).toEqual(['fruits/v1', 'fruits/v2', 'fruits/v1'])
    expect(host.states()).toMatchObject([{ version: 'v1', state: 'ready', bytes }])
  })

  it('requests are answered all the same', async () => {
    const { ask } = await setUp({ limits: { ...limits, loadedBytes: 1 } })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask('fruits', index % 2 === 0 ? 'v1' : 'v2')),
    )
    expect(answers).toEqual(Array.from({ length: 6 }, () => ['v1', 'v2']).flat())
  })
})

describe('a canary', () => {
  it('gets its share of the requests that name no version', async () => {
    const { host, registry, ask, answered } = await setUp()
    await setCanary(host, registry, 'fruits', { version: 'v2', percent: 50 })
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('fruits')))
    const share = answers.filter((version) => version === 'v2').length
    // With 60 fair coins fewer than 10 or more than 50 heads come once in ten million tries.
    expect(share).toBeGreaterThanOrEqual(10)
    expect(share).toBeLessThanOrEqual(50)
    expect(answered.filter(({ role }) => role === 'canary')).toHaveLength(share)
    expect(answered.filter(({ role }) => role === 'default')).toHaveLength(60 - share)
    for (let round = 0; round < 10; round++) expect(await ask('fruits', 'v1')).toBe('v1')
    await setCanary(host, registry, 'fruits', undefined)
    expect(new Set(await Promise.all(Array.from({ length: 10 }, () => ask('fruits'))))).toEqual(
      new Set(['v1']),
    )
  })

  it('that cannot answer is refused; one that breaks later leaves its share to the default', async () => {
    const { home, host, registry, ask } = await setUp()
    await registry.register({ model: 'fruits', version: 'bad', files: failingBundle(letters) })
    const canary = { version: 'bad', percent: 99 }
    await expect(setCanary(host, registry, 'fruits', canary)).rejects.toMatchObject({
      code: 'bundle_self_test_failed',
    })
    expect((await registry.getModel('fruits')).canary).toBeUndefined()
    writeFileSync(blobOf(home, letters, 'bundle.json'), 'damaged')
    await registry.setCanary('fruits', { version: 'v2', percent: 99 })
    for (let round = 0; round < 10; round++) expect(await ask('fruits')).toBe('v1')
  })
})

describe('a shadow', () => {
  it('is asked beside the default, and never answers', async () => {
    const { host, registry, ask, answered, compared } = await setUp()
    const sharper = await createTinyBundle({ temperature: 0.1 })
    await registry.register({ model: 'fruits', version: 'sharper', files: sharper })
    const beside = { model: 'fruits', version: 'v1' }
    const askTwice = async () => [await ask('fruits'), await ask('fruits')]
    await setShadow(host, registry, 'fruits', 'sharper')
    expect(await askTwice()).toEqual(['v1', 'v1'])
    await expect.poll(() => compared.at(-1)).toEqual({ ...beside, shadow: 'sharper', agrees: true })
    await setShadow(host, registry, 'fruits', 'v2')
    expect(await askTwice()).toEqual(['v1', 'v1'])
    await expect.poll(() => compared.at(-1)).toEqual({ ...beside, shadow: 'v2', agrees: false })
    await expect.poll(() => compared).toHaveLength(4)
    await setShadow(host, registry, 'fruits', undefined)
    expect(await askTwice()).toEqual(['v1', 'v1'])
    expect(compared).toHaveLength(4)
    expect(new Set(answered.map(({ role }) => role))).toEqual(new Set(['default']))
  })

  it('that looks otherwise at a photo is refused', async () => {
    const { host, registry } = await setUp()
    const closer = await createTinyBundle({ views: [{ size: 256, mirrored: false }] })
    await registry.register({ model: 'fruits', version: 'closer', files: closer })
    await expect(setShadow(host, registry, 'fruits', 'closer')).rejects.toMatchObject({
      code: 'canary_invalid',
      message: expect.stringContaining('would compute every photo twice'),
    })
    expect((await registry.getModel('fruits')).shadow).toBeUndefined()
  })
})
