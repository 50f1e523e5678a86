/** What TensorFlow and onnxruntime say of photos with an exported classifier. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runPython } from './python.ts'

/** A file, or text as it stands. */
export type AskedPhoto = { readonly path: string } | { readonly text: string }

export interface TensorflowQuestion {
  /** Folder of a SavedModel. */
  readonly model: string
  /** `v1`: in a session, as TensorFlow 1 and TensorFlow Serving do. */
  readonly loader?: 'v1' | 'v2'
  readonly signature?: 'serving_default' | 'serving_bytes'
  readonly batches: readonly (readonly AskedPhoto[])[]
}

/** One row for each photo of a batch. */
export interface TensorflowAnswer {
  readonly labels: readonly (readonly string[])[]
  readonly scores: readonly (readonly number[])[]
  readonly probabilities: readonly (readonly number[])[]
}

export type TensorflowAnswers = readonly (TensorflowAnswer | { readonly error: string })[]

/** For each question, answers for each batch, or what TensorFlow says against it. It is started once for all. */
export async function askTensorflow(
  questions: readonly TensorflowQuestion[],
): Promise<readonly TensorflowAnswers[]> {
  const defaults = { loader: 'v2', signature: 'serving_bytes' }
  const whole = questions.map((question) => ({ ...defaults, ...question }))
  return (await runWith('saved_model.py', whole)) as readonly TensorflowAnswers[]
}

/** The answer, where there is one. */
export function answered(answer: TensorflowAnswers[number] | undefined): TensorflowAnswer {
  if (answer !== undefined && !('error' in answer)) return answer
  throw new Error(`Expected an answer of TensorFlow, received ${answer?.error}`)
}

export interface OnnxAnswers {
  readonly metadata: Readonly<Record<string, string>>
  readonly answers: readonly {
    readonly probabilities: readonly number[]
    readonly scores: readonly number[]
    readonly indices: readonly number[]
  }[]
}

/** For each question, answers of Python's onnxruntime, with photos as Pillow decodes them. */
export async function askOnnxruntime(
  questions: readonly { readonly model: string; readonly photos: readonly string[] }[],
): Promise<readonly OnnxAnswers[]> {
  return (await runWith('onnx_model.py', questions)) as readonly OnnxAnswers[]
}

async function runWith(script: string, request: unknown): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'verger-ask-'))
  try {
    const path = join(folder, 'request.json')
    writeFileSync(path, JSON.stringify(request))
    return await runPython(script, [path])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
