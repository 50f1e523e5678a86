import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findBackbone } from '../backbones/catalog.ts'
import { featureCacheFolder, openFeatureCache, viewKey } from './feature-cache.ts'

const backbone = findBackbone('efficientnet-lite0')
const VIEW = { size: 224, mirrored: false }
const PHOTO = 'ab'.padEnd(64, '0')
const FEATURES = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i))

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-cache-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const open = () => openFeatureCache(home, backbone)
const folderOf = (view = VIEW) => join(featureCacheFolder(home), viewKey(backbone, view), 'ab')
const path = () => join(folderOf(), PHOTO)

describe('the feature cache', () => {
  it('creates nothing before it is given something', () => {
    expect(open().get(PHOTO, VIEW)).toBeUndefined()
    expect(readdirSync(home)).toEqual([])
  })

  it('gives back what it was given, to other processes too', async () => {
    await open().put(PHOTO, VIEW, FEATURES)
    const cache = open()
    expect(cache.get(PHOTO, VIEW)).toEqual(FEATURES)
    expect(cache.damaged).toBe(0)
  })

  it('keeps special numbers bit by bit', async () => {
    const special = Float32Array.of(-0, 1e-45, Number.POSITIVE_INFINITY, Number.NaN, 3.4e38)
    await open().put(PHOTO, VIEW, special)
    expect(open().get(PHOTO, VIEW)).toEqual(special)
  })

  it('takes a part of a larger array, in shared memory too', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(160))
    shared.set(FEATURES)
    await open().put(PHOTO, VIEW, shared.subarray(8, 12))
    expect(open().get(PHOTO, VIEW)).toEqual(FEATURES.slice(8, 12))
  })

  it('tells photos and views apart', async () => {
    const cache = open()
    const views = [
      VIEW,
      { size: 288, mirrored: false },
      { size: 224, mirrored: true },
      { size: 288, mirrored: true },
    ]
    const other = `${PHOTO.slice(0, -1)}1`
    for (const [i, view] of views.entries()) {
      await cache.put(PHOTO, view, Float32Array.of(i))
      await cache.put(other, view, Float32Array.of(i + 10))
    }
    for (const [i, view] of views.entries()) {
      expect(cache.get(PHOTO, view)).toEqual(Float32Array.of(i))
      expect(cache.get(other, view)).toEqual(Float32Array.of(i + 10))
    }
  })

  it('has other entries for other weights and another preprocessing', () => {
    const { weights, network } = backbone
    const others = [
      { ...backbone, weights: { ...weights, sha256: 'f'.repeat(64) } },
      { ...backbone, network: { ...network, input: { ...network.input, mean: 1 } } },
    ]
    const keys = [backbone, ...others].map((each) => viewKey(each, VIEW))
    expect(new Set(keys).size).toBe(3)
  })

  it('keeps one of several that write the same at once, and no other file', async () => {
    const caches = Array.from({ length: 8 }, open)
    await Promise.all(caches.map((cache) => cache.put(PHOTO, VIEW, FEATURES)))
    expect(readdirSync(folderOf())).toEqual([PHOTO])
    expect(open().get(PHOTO, VIEW)).toEqual(FEATURES)
  })

  it('is not disturbed by what a killed process left half written', async () => {
    mkdirSync(folderOf(), { recursive: true })
    writeFileSync(join(folderOf(), '.0123456789ab.tmp'), 'half')
    expect(open().get(PHOTO, VIEW)).toBeUndefined()
    await open().put(PHOTO, VIEW, FEATURES)
    expect(open().get(PHOTO, VIEW)).toEqual(FEATURES)
  })

  it('says why it cannot be written to, and leaves nothing', async () => {
    mkdirSync(join(home, 'cache'))
    writeFileSync(featureCacheFolder(home), 'a file where a folder should be')
    await expect(open().put(PHOTO, VIEW, FEATURES)).rejects.toMatchObject({ code: 'write_failed' })
    expect(readdirSync(join(home, 'cache'))).toEqual(['features'])
  })
})

describe('a damaged entry', () => {
  /** Writes an entry with these bytes and expects it to be gone once it was asked for. */
  function expectDamaged(bytes: Uint8Array): void {
    writeFileSync(path(), bytes)
    const cache = open()
    expect(cache.get(PHOTO, VIEW)).toBeUndefined()
    expect(cache.damaged).toBe(1)
    expect(readdirSync(folderOf())).toEqual([])
  }

  it('is found at every length to which it can be cut', async () => {
    await open().put(PHOTO, VIEW, FEATURES)
    const whole = readFileSync(path())
    for (let end = 0; end < whole.length; end++) expectDamaged(whole.subarray(0, end))
  })

  it('is found by each byte that changes', async () => {
    await open().put(PHOTO, VIEW, FEATURES)
    const whole = readFileSync(path())
    for (let at = 0; at < whole.length; at++) {
      const changed = Uint8Array.from(whole)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expectDamaged(changed)
    }
  })

  it('is found where it is longer, zeros, text, or the entry of nothing', async () => {
    await open().put(PHOTO, VIEW, FEATURES)
    const whole = readFileSync(path())
    expectDamaged(Buffer.concat([whole, whole]))
    expectDamaged(new Uint8Array(whole.length))
    expectDamaged(Buffer.from('features '.repeat(50)))
    await open().put(PHOTO, VIEW, new Float32Array())
    expectDamaged(readFileSync(path()))
  })

  it('is named where a folder stands in its place', async () => {
    await open().put(PHOTO, VIEW, FEATURES)
    rmSync(path())
    mkdirSync(path())
    expect(() => open().get(PHOTO, VIEW)).toThrow(
      expect.objectContaining({
        code: 'cache_unreadable',
        message: expect.stringContaining(path()),
      }),
    )
  })

  it('can be written again', async () => {
    const cache = open()
    await cache.put(PHOTO, VIEW, FEATURES)
    writeFileSync(path(), 'damaged')
    cache.get(PHOTO, VIEW)
    await cache.put(PHOTO, VIEW, FEATURES)
    expect(cache.get(PHOTO, VIEW)).toEqual(FEATURES)
    expect(cache.damaged).toBe(1)
  })
})
