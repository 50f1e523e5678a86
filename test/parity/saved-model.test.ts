/** What `verger export --format saved-model` writes, run by TensorFlow, beside what Verger says of the same photos. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPredictor, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS } from '../contract/datasets.ts'
import { photoPath } from '../support/photos.ts'
import { compareAnswers } from './compare-answers.ts'
import { runPython } from './python.ts'
import { runVerger } from './run-verger.ts'

/** Largest difference of a probability. */
const TOLERANCE = 1e-3
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

type Photo = { readonly path: string } | { readonly text: string }

interface Answer {
  readonly labels: readonly (readonly string[])[]
  readonly scores: readonly (readonly number[])[]
  readonly probabilities: readonly (readonly number[])[]
}

interface Question {
  readonly model?: string
  readonly loader?: 'v1' | 'v2'
  readonly signature?: 'serving_default' | 'serving_bytes'
  readonly batches: readonly (readonly Photo[])[]
}

/** Answers of TensorFlow, one for each batch. */
async function askTensorflow(question: Question): Promise<(Answer | { readonly error: string })[]> {
  const request = join(mkdtempSync(join(folder, 'ask-')), 'request.json')
  const { loader = 'v2', signature = 'serving_bytes' } = question
  writeFileSync(request, JSON.stringify({ model, ...question, loader, signature }))
  return (await runPython('saved_model.py', [request])) as (Answer | { readonly error: string })[]
}

/** The answer to one batch. */
async function ask(photos: readonly Photo[], question: Omit<Question, 'batches'> = {}) {
  const [answer] = await askTensorflow({ ...question, batches: [photos] })
  if (answer === undefined || 'error' in answer) throw new Error(answer?.error)
  return answer
}

/** TensorFlow's answer for one photo beside Verger's for another, which is the same one if none is named. */
async function compareOne(path: string, other = path) {
  const { probabilities } = await ask([{ path }])
  const prediction = await predictor.predict({ source: other, photo: other, top: labels.length })
  return compareAnswers(probabilities[0] ?? [], labels, prediction)
}

describe(`photos of the shop ${NEEDS_DATASETS}`, () => {
  const paths = hasDatasets('grocery-store') ? findJpegs('grocery-store/val') : []

  it.skipIf(paths.length === 0)('get the five best labels in the same order', async () => {
    expect(paths.length).toBeGreaterThanOrEqual(200)
    // Eight at a time, so that photos of different sizes share a batch.
    const batches = Array.from({ length: Math.ceil(paths.length / 8) }, (_, batch) =>
      paths.slice(batch * 8, batch * 8 + 8).map((path) => ({ path })),
    )
    const answers = await askTensorflow({ batches })
    const differences = await Promise.all(
      paths.map(async (path, index) => {
        const answer = answers[Math.floor(index / 8)]
        if (answer === undefined || 'error' in answer) throw new Error(answer?.error)
        const prediction = await predictor.predict({
          source: path,
          photo: path,
          top: labels.length,
        })
        return compareAnswers(answer.probabilities[index % 8] ?? [], labels, prediction)
      }),
    )
    expect(Math.max(...differences.map(({ largest }) => largest))).toBeLessThanOrEqual(TOLERANCE)
    expect(differences.filter(({ isSameTop5 }) => !isSameTop5)).toEqual([])
  })
})

it('follows the documented rules where TensorFlow can: grey, profiles, alpha over white, 16 bits', async () => {
  for (const name of ['grey.jpg', 'display-p3.jpg', 'alpha.png', 'rgb-16-bit.png', 'palette.png']) {
    const { largest, isSameTop5 } = await compareOne(photoPath(name))
    expect.soft([name, isSameTop5]).toEqual([name, true])
    expect.soft(largest, name).toBeLessThanOrEqual(TOLERANCE)
  }
})
