/** The data set that needs no network, as it lies on the disk. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readManifestFile } from '../../src/datasets/manifest-file.ts'
import { createSampleFruits } from '../../src/datasets/sample-fruits/create-sample-fruits.ts'
import { planSampleFruits } from '../../src/datasets/sample-fruits/plan-sample-fruits.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-sample-fruits-'))
const photos = planSampleFruits({ trainPerKind: 6, testPerKind: 2 })
const files = (name: string) =>
  readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.[a-z]+$/.test(path))
    .sort()

afterAll(() => rmSync(folder, { recursive: true }))

describe('sample-fruits', () => {
  const reports: [number, number][] = []

  beforeAll(async () => {
    const onProgress = (done: number, total: number) => void reports.push([done, total])
    await createSampleFruits(join(folder, 'once'), { photos, onProgress })
    await createSampleFruits(join(folder, 'twice'), { photos: [...photos].reverse() })
  })

  it('is the same, byte for byte, in whatever order its photos are made', () => {
    expect(files('twice')).toEqual(files('once'))
    for (const { path } of photos) {
      const bytes = readFileSync(join(folder, 'once', path))
      expect(bytes.equals(readFileSync(join(folder, 'twice', path))), path).toBe(true)
    }
  })

  it('holds JPEGs of the planned size, no two alike', async () => {
    const seen = new Set<string>()
    for (const { path, scene } of photos) {
      const photo = sharp(join(folder, 'once', path))
      const { format, width, height } = await photo.metadata()
      expect([format, width, height], path).toEqual(['jpeg', scene.width, scene.height])
      const { data } = await photo.resize(8, 8).raw().toBuffer({ resolveWithObject: true })
      seen.add(data.toString('hex'))
    }
    expect(seen.size).toBe(photos.length)
  })

  it('shows something: no photo is of one colour', async () => {
    for (const { path } of photos) {
      const { channels } = await sharp(join(folder, 'once', path)).stats()
      expect(Math.max(...channels.map(({ stdev }) => stdev)), path).toBeGreaterThan(10)
    }
  })

  it('has a manifest that the reader of manifests takes, with both sides named', async () => {
    const found = await readManifestFile(join(folder, 'once/manifest.csv'), { isConfined: true })
    const sides = found.candidates.map(({ path, label, split }) => ({ path, label, split }))
    const planned = photos.map(({ path, label, iconSet }) => ({
      path,
      label,
      split: iconSet.split,
    }))
    expect(sides).toHaveLength(planned.length)
    expect(sides).toEqual(expect.arrayContaining(planned))
  })

  it('names whose drawings they are', () => {
    const notice = readFileSync(join(folder, 'once/NOTICE.txt'), 'utf8')
    expect(notice).toContain('Microsoft')
    expect(notice).toContain('Google')
  })

  it('tells how far it is after every photo', () => {
    expect(reports).toEqual(photos.map((_, index) => [index + 1, photos.length]))
  })

  it('says what could not be written, and leaves no manifest', async () => {
    const blocked = join(folder, 'blocked')
    await createSampleFruits(blocked, { photos: [] })
    rmSync(join(blocked, 'manifest.csv'))
    writeFileSync(join(blocked, 'train'), 'a file where a folder should be')
    await expect(createSampleFruits(blocked, { photos })).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringContaining(join(blocked, 'train')),
    })
    expect(existsSync(join(blocked, 'manifest.csv'))).toBe(false)
  })
})
