/** A dataset with seeded faults, looked at by the real network. */
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_BACKBONE, findBackbone } from '../../dist/backbones/catalog.js'
import { createSampleFruits } from '../../dist/datasets/sample-fruits/create-sample-fruits.js'
import { planSampleFruits } from '../../dist/datasets/sample-fruits/plan-sample-fruits.js'
import { scanDataset } from '../../dist/datasets/scan.js'
import { openDatasetSource } from '../../dist/datasets/source.js'
import {
  type CheckContext,
  type CheckedDataset,
  checkDataset,
} from '../../dist/training/check-dataset.js'
import { buildContactSheet } from '../../dist/training/contact-sheet.js'
import type { DatasetReport } from '../../dist/training/report.js'

const KINDS = ['banana', 'kiwi', 'pineapple', 'strawberry']
const LIMITS = {
  photoBytes: 64 * 1024 * 1024,
  photoPixels: 100_000_000,
  requestPhotos: 256,
  requestBytes: 1,
  receiveTimeoutMs: 1,
  deadlineMs: 1,
  queuedPhotos: 1024,
  queuedBytes: 1,
  loadedBytes: 1_000_000_000,
}

let sandbox = ''
let folder = ''
beforeAll(async () => {
  sandbox = mkdtempSync(join(tmpdir(), 'verger-check-'))
  const photos = planSampleFruits({ trainPerKind: 12, testPerKind: 0 })
  await createSampleFruits(join(sandbox, 'fruits'), {
    photos: photos.filter(({ label }) => KINDS.includes(label)),
  })
  folder = join(sandbox, 'fruits/train')
})
afterAll(() => rmSync(sandbox, { recursive: true, force: true }))

const scan = async (glob?: string) => {
  const home = join(sandbox, 'home')
  const source = await openDatasetSource(folder, {
    ...{ cwd: sandbox, home },
    ...(glob === undefined ? {} : { glob }),
  })
  return scanDataset(source, { workers: 2, limits: LIMITS, decode: true })
}
const context: Omit<CheckContext, 'home'> = { workers: 2, limits: LIMITS }
const check = (
  dataset: Awaited<ReturnType<typeof scan>>,
  more: Partial<CheckContext> = {},
): Promise<CheckedDataset> =>
  checkDataset(
    { dataset, backbone: findBackbone(DEFAULT_BACKBONE), seed: 1 },
    { ...context, home: join(sandbox, 'home'), ...more },
  )
const findings = ({ dataset }: CheckedDataset, kind: string) =>
  dataset.findings.filter((finding) => finding.kind === kind)

describe('a dataset that is checked', () => {
  let checked: CheckedDataset
  let sheet: DatasetReport
  const stages: string[] = []
  beforeAll(async () => {
    const photo = (path: string) => join(folder, path)
    await sharp(photo('kiwi/fluent-001.jpg')).jpeg({ quality: 80 }).toFile(photo('kiwi/again.jpg'))
    await sharp(photo('banana/fluent-001.jpg'))
      .jpeg({ quality: 80 })
      .toFile(photo('pineapple/banana.jpg'))
    renameSync(photo('strawberry/fluent-002.jpg'), photo('kiwi/strawberry.jpg'))
    copyFileSync(photo('banana/fluent-002.jpg'), photo('kiwi/same.jpg'))
    writeFileSync(photo('kiwi/broken.jpg'), 'no photo')
    checked = await check(await scan(), {
      onEvent: ({ stage }) => void (stages.includes(stage) || stages.push(stage)),
    })
    sheet = await buildContactSheet(checked.dataset, checked.dataset.findings)
  })

  it('keeps what the scan found', () => {
    expect(findings(checked, 'broken').map(({ paths }) => paths)).toEqual([['kiwi/broken.jpg']])
    expect(findings(checked, 'two-labels').map(({ paths }) => paths)).toEqual([
      ['banana/fluent-002.jpg', 'kiwi/same.jpg'],
    ])
  })

  it('finds photos that were saved anew, those under another label first', () => {
    expect(
      findings(checked, 'near-duplicate').map(({ paths, labels }) => ({ paths, labels })),
    ).toEqual([
      {
        paths: ['banana/fluent-001.jpg', 'pineapple/banana.jpg'],
        labels: ['banana', 'pineapple'],
      },
      { paths: ['kiwi/again.jpg', 'kiwi/fluent-001.jpg'], labels: ['kiwi'] },
    ])
  })

  it('finds the photo that was moved to another label, before any other', () => {
    const [surest] = findings(checked, 'probably-wrong-label')
    expect(surest).toMatchObject({
      message: expect.stringMatching(/^Stands under kiwi, looks like strawberry \([5-9][0-9] %\)$/),
      paths: ['kiwi/strawberry.jpg'],
    })
  })

  it('tells what happens', () => {
    expect(stages).toEqual(['features', 'photo', 'featurized', 'compare', 'step', 'labels', 'done'])
  })

  it('is shown with pictures of each finding and each label', () => {
    expect(sheet.dataset).toMatchObject({ id: checked.dataset.id, photos: 51 })
    expect(sheet.labels.map(({ label, thumbnails }) => [label, thumbnails.length])).toEqual(
      KINDS.map((kind) => [kind, 6]),
    )
    const near = sheet.findings.filter(({ kind }) => kind === 'near-duplicate')
    expect(near[0]?.photos).toEqual([
      {
        path: 'banana/fluent-001.jpg',
        label: 'banana',
        thumbnail: expect.stringMatching(/^data:image\/jpeg;base64,/),
      },
      {
        path: 'pineapple/banana.jpg',
        label: 'pineapple',
        thumbnail: expect.stringMatching(/^data:image\/jpeg;base64,/),
      },
    ])
    const [broken] = sheet.findings.filter(({ kind }) => kind === 'broken')
    expect(broken?.photos).toEqual([{ path: 'kiwi/broken.jpg', label: 'kiwi' }])
  })

  it('is told the same a second time, from what is cached', async () => {
    let reused = 0
    const again = await check(await scan(), {
      onEvent: (event) => {
        if (event.stage === 'featurized') reused = event.reused
      },
    })
    expect(again).toEqual(checked)
    expect(reused).toBe(50)
  })
})

it('a dataset of one label is searched for near duplicates and says why labels were not checked', async () => {
  const checked = await check(await scan('kiwi/*'))
  expect(findings(checked, 'near-duplicate')).toHaveLength(1)
  expect(checked.labelsUnchecked).toContain("only 'kiwi'")
})

it('a photo that changed since the scan is found broken and is not part of the version', async () => {
  const dataset = await scan('{banana,strawberry}/*')
  const path = 'strawberry/fluent-001.jpg'
  copyFileSync(join(folder, 'banana/fluent-001.jpg'), join(folder, path))
  rmSync(join(sandbox, 'home/cache'), { recursive: true, force: true })
  const checked = await check(dataset)
  expect(findings(checked, 'broken')).toMatchObject([
    { paths: [path], error: { code: 'photo_changed' } },
  ])
  expect(checked.dataset.photos.map((photo) => photo.path)).not.toContain(path)
  expect(checked.dataset.id).not.toBe(dataset.id)
})

it('a check that is stopped rejects with the reason', async () => {
  const controller = new AbortController()
  const running = check(await scan(), {
    signal: controller.signal,
    onEvent: ({ stage }) => {
      if (stage === 'labels') controller.abort(new Error('enough'))
    },
  })
  await expect(running).rejects.toThrow('enough')
})
