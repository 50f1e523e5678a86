/** Small classifiers in the formats of TensorFlow's family, which scripts/fixtures/models/keras_answers.py makes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { ForeignModel } from '../../src/backbones/foreign-model.ts'
import { VergerError } from '../../src/core/errors.ts'
import { runForeignModel, softmaxOf } from './run-foreign-model.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/models/keras-answers/', import.meta.url))

export const fixture = (name: string): string => join(FOLDER, name)

const golden: {
  readonly labels: readonly string[]
  readonly photos: Readonly<Record<string, number[]>>
  readonly answers: Readonly<Record<string, { size: number; output: number[] }>>
} = JSON.parse(readFileSync(fixture('golden.json'), 'utf8'))

export const FIXTURE_LABELS = golden.labels

/** Largest difference of a probability from what TensorFlow gives for the drawn photo. */
export async function differenceOf(name: string, model: ForeignModel): Promise<number> {
  const { size, output } = golden.answers[name] ?? { size: 0, output: [] }
  const [logits] = await runForeignModel(model, Uint8Array.from(golden.photos[size] ?? []))
  const probabilities = softmaxOf(logits ?? new Float32Array())
  const received = output.length === 1 ? probabilities.slice(1) : probabilities
  expect(received).toHaveLength(output.length)
  return Math.max(...output.map((value, at) => Math.abs(value - (received[at] ?? Number.NaN))))
}

/** A spoiled file is read or refused, and never anything else. */
export async function expectReadOrRefused(
  read: Promise<ForeignModel>,
  what: string,
): Promise<void> {
  const startMs = performance.now()
  const error = await read.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(performance.now() - startMs, what).toBeLessThan(2000)
  if (error === undefined) return
  expect(error, `${what}: ${String(error)} ${(error as Error).stack}`).toBeInstanceOf(VergerError)
  expect((error as VergerError).code, what).toMatch(
    /^(model_(invalid|unsupported)|archive_(invalid|unsafe))$/,
  )
}
