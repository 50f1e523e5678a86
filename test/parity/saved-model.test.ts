/** What `verger export --format saved-model` writes, run by TensorFlow, beside what Verger says of the same photos. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { openPredictor, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS } from '../contract/datasets.ts'
import { photoPath, readPhoto } from '../support/photos.ts'
import { type AskedPhoto, answered, askTensorflow, type TensorflowAnswer } from './ask.ts'
import { compareAnswers } from './compare-answers.ts'
import { runVerger } from './run-verger.ts'

/** Largest difference of a probability, where nothing but the order of the arithmetic differs. */
const TOLERANCE = 1e-3
/** The same for photos that libvips reduces while it decodes them, and TensorFlow by one bicubic. */
const REDUCED_TOLERANCE = 0.03

const { labels } = findBackbone('efficientnet-lite0')
const { limits } = readConfig({})
const folder = mkdtempSync(join(tmpdir(), 'verger-saved-model-'))
const model = join(folder, 'lite0')
const predictor = openPredictor({ workers: 2, limits })
beforeAll(async () => {
  await runVerger(['export', 'efficientnet-lite0', '--format', 'saved-model', '--out', model])
})
afterAll(async () => {
  await predictor.close()
  rmSync(folder, { recursive: true, force: true })
})

/** One answer of TensorFlow for each photo. */
async function ask(paths: readonly string[]): Promise<readonly TensorflowAnswer[]> {
  const batches = paths.map((path) => [{ path }])
  const [answers = []] = await askTensorflow([{ model, batches }])
  return paths.map((_, index) => answered(answers[index]))
}

const predict = (path: string) =>
  predictor.predict({ source: path, photo: path, top: labels.length })

/** TensorFlow's answers beside Verger's, by the name of the photo; `other` is what Verger sees in place of a photo. */
async function compareAll(paths: readonly string[], other = (path: string) => path) {
  const answers = await ask(paths)
  return Promise.all(
    paths.map(async (path, index) => ({
      name: basename(path),
      ...compareAnswers(answers[index]?.probabilities[0] ?? [], labels, await predict(other(path))),
    })),
  )
}

/** Writes bytes of a photo and gives the path. */
function keep(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

describe(`photos of the shop ${NEEDS_DATASETS}`, () => {
  const paths = hasDatasets('grocery-store') ? findJpegs('grocery-store/val') : []
  /** Photos of different sizes share a batch. */
  const BATCH = 8

  it.skipIf(paths.length === 0)('get the five best labels in the same order', async () => {
    expect(paths.length).toBeGreaterThanOrEqual(200)
    const batches = Array.from({ length: Math.ceil(paths.length / BATCH) }, (_, batch) =>
      paths.slice(batch * BATCH, (batch + 1) * BATCH).map((path) => ({ path })),
    )
    const [answers = []] = await askTensorflow([{ model, batches }])
    const differences = await Promise.all(
      paths.map(async (path, index) => {
        const { probabilities } = answered(answers[Math.floor(index / BATCH)])
        return compareAnswers(probabilities[index % BATCH] ?? [], labels, await predict(path))
      }),
    )
    expect(Math.max(...differences.map(({ largest }) => largest))).toBeLessThanOrEqual(TOLERANCE)
    expect(differences.filter(({ isSameTop5 }) => !isSameTop5)).toEqual([])
  })
})

describe('the two signatures', () => {
  const names = ['baseline.jpg', 'palette.png', 'grey.png', 'progressive.jpg', 'one-pixel.png']
  const bytes: readonly AskedPhoto[] = names.map((name) => ({ path: photoPath(name) }))
  const texts: readonly AskedPhoto[] = names.map((name) => ({
    text: readPhoto(name).toString('base64'),
  }))

  it('give the same in TensorFlow 2 and in a session, for bytes and for base64', async () => {
    const [first, ...others] = (
      await askTensorflow([
        { model, batches: [bytes] },
        { model, signature: 'serving_default', batches: [texts] },
        { model, loader: 'v1', batches: [bytes] },
        { model, loader: 'v1', signature: 'serving_default', batches: [texts] },
      ])
    ).map(([answer]) => answered(answer))
    expect(others).toHaveLength(3)
    for (const other of others) {
      expect(other.labels).toEqual(first?.labels)
      const differences = other.probabilities.flatMap((row, photo) =>
        row.map((value, label) => Math.abs(value - (first?.probabilities[photo]?.[label] ?? 9))),
      )
      expect(differences).toHaveLength(names.length * labels.length)
      expect(Math.max(...differences)).toBeLessThan(1e-6)
    }
  })

  it('name the ten best labels with their scores, the best first', async () => {
    const [answer] = await ask([photoPath('baseline.jpg')])
    const best = labels
      .map((label, index) => ({ label, score: answer?.probabilities[0]?.[index] ?? 0 }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 10)
    expect(answer?.labels).toEqual([best.map(({ label }) => label)])
    expect(answer?.scores).toEqual([best.map(({ score }) => score)])
  })

  it('take base64 as people send it', async () => {
    // Its base64 has both characters that the alphabets differ in, and padding.
    const photo = Buffer.concat([readPhoto('baseline.jpg'), Buffer.from([0xfb, 0xef, 0xff, 0, 1])])
    const standard = photo.toString('base64')
    expect(standard).toMatch(/\+.*\/|\/.*\+/)
    expect(standard).toMatch(/=$/)
    const lines = standard.match(/.{1,76}/g) ?? []
    const webSafe = photo.toString('base64url')
    const forms = [
      standard,
      standard.replace(/=+$/, ''),
      webSafe,
      webSafe.padEnd(standard.length, '='),
      lines.join('\n'),
      `${lines.join('\r\n')}\r\n`,
      `data:image/jpeg;base64,${standard}`,
      ` \tdata:image/jpeg;name=a%2Cb;base64,\n${lines.join('\n')}\n`,
      `data:;base64,${webSafe}`,
    ].map((text) => ({ text }))
    const path = keep('trailing.jpg', photo)
    const [[wanted] = [], [received] = []] = await askTensorflow([
      { model, batches: [[{ path }]] },
      { model, signature: 'serving_default', batches: [forms] },
    ])
    const { probabilities } = answered(received)
    expect(probabilities).toHaveLength(forms.length)
    for (const row of probabilities) expect(row).toEqual(answered(wanted).probabilities[0])
  })

  it('say what is wrong with a photo', async () => {
    const texts = ['!', 'A', 'a=bc', Buffer.from('no photo').toString('base64'), '']
    const files = ['text.jpg', 'truncated.jpg', 'corrupt.png', 'empty.jpg', 'bitmap.bmp']
    const [fromTexts = [], fromFiles = []] = await askTensorflow([
      { model, signature: 'serving_default', batches: texts.map((text) => [{ text }]) },
      { model, batches: files.map((name) => [{ path: photoPath(name) }]) },
    ])
    const errors = [...fromTexts, ...fromFiles].map((answer) => ('error' in answer ? 'error' : ''))
    expect(errors).toEqual(Array(texts.length + files.length).fill('error'))
  })
})

describe('the rules of decoding', () => {
  const JUST_THE_SAME = [
    'grey.jpg',
    'display-p3.jpg',
    'rgb.png',
    'grey.png',
    'grey-alpha.png',
    'alpha.png',
    'palette-transparent.png',
    'rgb-16-bit.png',
    'grey-16-bit.png',
    'interlaced.png',
    'one-pixel.jpg',
    'still.gif',
    'animated.gif',
  ]

  it('are followed for grey, profiles, alpha, palettes, 16 bits and first frames', async () => {
    for (const { name, largest, isSameTop5 } of await compareAll(JUST_THE_SAME.map(photoPath))) {
      expect.soft(largest, name).toBeLessThanOrEqual(TOLERANCE)
      expect.soft([name, isSameTop5]).toEqual([name, true])
    }
  })

  it('are followed but for the orientation, which TensorFlow does not read', async () => {
    const turned = Array.from({ length: 7 }, (_, index) => photoPath(`exif-${index + 2}.jpg`))
    const asStored = (path: string) =>
      keep(`stored-${basename(path)}`, withoutExif(readPhoto(basename(path))))
    for (const { name, largest, isSameTop5 } of await compareAll(turned, asStored)) {
      expect.soft(largest, name).toBeLessThanOrEqual(TOLERANCE)
      expect.soft([name, isSameTop5]).toEqual([name, true])
    }
    const differing = (await compareAll(turned)).filter(({ largest }) => largest > TOLERANCE)
    expect(differing.length).toBeGreaterThan(0)
  })

  it('are followed for inks, but for the rounding of a level', async () => {
    const [inks] = await compareAll([photoPath('cmyk.jpg')])
    expect(inks?.largest).toBeLessThanOrEqual(10 * TOLERANCE)
  })

  it('are followed for big photos, but for the filter that reduces them', async () => {
    const photo = sharp(readPhoto('large.jpg')).resize(4032, 3024, { kernel: 'cubic' })
    const phone = keep('phone.jpg', await photo.jpeg({ quality: 90 }).toBuffer())
    for (const { name, largest } of await compareAll([phone, photoPath('large.jpg')])) {
      expect.soft(largest, name).toBeLessThanOrEqual(REDUCED_TOLERANCE)
    }
  })
})

/** A JPEG without its APP1 segments: the pixels as they are stored. */
function withoutExif(jpeg: Buffer): Buffer {
  const kept = [jpeg.subarray(0, 2)]
  let at = 2
  while (jpeg.readUInt16BE(at) !== 0xffda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2)
    if (jpeg.readUInt16BE(at) !== 0xffe1) kept.push(jpeg.subarray(at, end))
    at = end
  }
  return Buffer.concat([...kept, jpeg.subarray(at)])
}
