/**
 * Can a classifier tell that a photo shows none of its labels? The protocol, three times with other labels left out:
 *
 * - a fifth of the 81 labels of Grocery Store is left out; the others are learned from, but for a fifth of their photos;
 * - known: those held-out photos, once divided by chance (as benchmarks of this kind do) and once as look-alikes;
 * - near: every photo of the labels left out (other fruits, vegetables and packages from the same shops);
 * - far: every fortieth photo of Fruits-360 (fruits on a turntable before white).
 *
 * The figure is the area under the ROC curve of the distance, known against near or far.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { planSplit } from '../dist/datasets/split.js'
import { viewsOf } from '../dist/features/views.js'
import { auroc, fprAtTpr } from '../dist/learn/auroc.js'
import { gatherRows } from '../dist/learn/gather-rows.js'
import { createRandom } from '../dist/learn/random.js'
import { fitRejection, projectRows, rejectionDistances } from '../dist/learn/rejection.js'
import { transformFeatures } from '../dist/learn/scaling.js'
import { openGemm } from '../dist/tensor/gemm.js'
import { groupRows } from '../dist/training/fit-classifier.js'
import { FRUITS_360, GROCERY_STORE_TRAIN } from './datasets.ts'
import { featuresOf } from './grocery.ts'
import { atLeast, figure, type Measurement } from './measurement.ts'

const ROUNDS = 3
const LEFT_OUT = 16
const FAR_STEP = 40
const VIEWS = viewsOf('plain', 288)

export async function* benchUnknown(): AsyncGenerator<Measurement> {
  const home = mkdtempSync(join(tmpdir(), 'verger-bench-'))
  const threads = availableParallelism()
  const gemm = await openGemm(threads)
  try {
    const grocery = await featuresOf(GROCERY_STORE_TRAIN, VIEWS, home)
    const turntable = await featuresOf(FRUITS_360, VIEWS, home, (index) => index % FAR_STEP === 0)
    const { width } = grocery
    const unit = transformFeatures(grocery.features, width, 'unit')
    const far = transformFeatures(turntable.features, width, 'unit')
    const names = [...new Set(grocery.labels)].sort()
    const labels = Int32Array.from(grocery.labels, (label) => names.indexOf(label))
    const data = { features: grocery.features, width, labels, classes: names.length, threads }
    const named = new Int32Array(labels.length).fill(-1)
    const { groups } = await groupRows(gemm, { kind: 'group', ...data, named, seed: 1 }, () => {})
    const photos = grocery.paths.map((path, row) => ({
      path,
      sha256: path,
      label: grocery.labels[row] ?? '',
    }))
    const grouped = photos.map((photo, row) => ({ ...photo, group: String(groups[row]) }))

    for (const [how, candidates] of [
      ['by chance', photos],
      ['as look-alikes', grouped],
    ] as const) {
      const found = { near: 0, far: 0, nearAccepted: 0, farAccepted: 0 }
      for (let round = 1; round <= ROUNDS; round++) {
        const leftOut = new Set(
          createRandom(round)
            .shuffle([...names])
            .slice(0, LEFT_OUT),
        )
        const { sides } = planSplit(candidates, { seed: round })
        const isKnown = (row: number) => !leftOut.has(grocery.labels[row] ?? '')
        const rows = [...labels.keys()]
        const learned = rows.filter((row) => isKnown(row) && sides[row] === 'train')
        const known = rows.filter((row) => isKnown(row) && sides[row] === 'validation')
        const strange = rows.filter((row) => !isKnown(row))
        const projected = await projectRows(gemm, unit, width, learned)
        const model =
          projected && (await fitRejection(gemm, projected, labels, names.length, learned))
        if (model === undefined) throw new Error('Expected enough photos for a distance')
        const distances = (rowsOf: readonly number[]) =>
          rejectionDistances(gemm, model, gatherRows(unit, width, rowsOf))
        const [knownAt, nearAt] = [await distances(known), await distances(strange)]
        const farAt = await rejectionDistances(gemm, model, far)
        found.near += auroc(knownAt, nearAt) / ROUNDS
        found.far += auroc(knownAt, farAt) / ROUNDS
        found.nearAccepted += fprAtTpr(knownAt, nearAt) / ROUNDS
        found.farAccepted += fprAtTpr(knownAt, farAt) / ROUNDS
      }
      if (how === 'by chance') {
        yield atLeast('AUROC, near, known photos held out by chance', found.near, '', 0.85)
        yield atLeast('AUROC, far, known photos held out by chance', found.far, '', 0.95)
      } else {
        yield figure('AUROC, near, known photos held out as look-alikes', found.near, '')
        yield figure('AUROC, far, known photos held out as look-alikes', found.far, '')
      }
      yield figure(`  near accepted where 95 % of known are, ${how}`, 100 * found.nearAccepted, '%')
      yield figure(`  far accepted where 95 % of known are, ${how}`, 100 * found.farAccepted, '%')
    }
  } finally {
    await gemm.close()
    rmSync(home, { recursive: true })
  }
}
