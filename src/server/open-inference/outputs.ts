/** Answers → output tensors: the same outputs that an exported SavedModel has, or classes as text. */
import { describeSignatures, NAMED_LABELS } from '../../bundles/signature.ts'
import { VergerError } from '../../core/errors.ts'
import { topIndices } from '../../learn/softmax.ts'
import { shortestFloat32 } from '../float32.ts'
import type { RequestedOutput } from './infer-request.ts'
import { floatBytes, joinElements } from './tensors.ts'

export interface OutputTensor {
  readonly name: string
  readonly datatype: 'FP32' | 'BYTES'
  readonly shape: readonly number[]
  readonly values: Float32Array | readonly string[]
}

/** The part of an answer that is put into tensors. */
export interface Scored {
  readonly labels: readonly string[]
  /** In the order of the labels. */
  readonly scores: ArrayLike<number>
}

/** Names, types and shapes of the outputs of a classifier; -1 is the number of photos. */
export function describeOutputs(labels: number): readonly Omit<OutputTensor, 'values'>[] {
  const outputs = describeSignatures(labels)[0]?.outputs ?? []
  return outputs.map(({ name, type, dims }) => ({
    name,
    datatype: type === 'float' ? 'FP32' : 'BYTES',
    shape: dims,
  }))
}

/** Throws `request_invalid` for an output that there is not, or that has no classes. */
export function checkOutputs(requested: readonly RequestedOutput[] = []): void {
  const names = describeOutputs(NAMED_LABELS).map(({ name }) => name)
  for (const { name, classes } of requested) {
    if (!names.includes(name)) {
      throw new VergerError(
        'request_invalid',
        `Expected ${names.join(', ')} as outputs, received ${JSON.stringify(name.slice(0, 40))}`,
      )
    }
    if (classes !== undefined && name === 'labels') {
      throw new VergerError(
        'request_invalid',
        'Expected classification of probabilities or scores, received it of labels',
      )
    }
  }
}

/** `answers` are of one version, and not empty. Outputs come in the order in which they were asked for. */
export function tensorsOfAnswers(
  answers: readonly Scored[],
  requested: readonly Pick<RequestedOutput, 'name' | 'classes'>[] | undefined,
): OutputTensor[] {
  const labels = answers[0]?.labels ?? []
  const wanted = requested ?? describeOutputs(labels.length)
  const count = Math.max(
    Math.min(NAMED_LABELS, labels.length),
    ...wanted.map((each) => ('classes' in each ? Math.min(each.classes ?? 0, labels.length) : 0)),
  )
  const best = answers.map(({ scores }) => topIndices(scores, count))
  return wanted.map((each) => {
    const classes = 'classes' in each ? each.classes : undefined
    return classes === undefined
      ? valuesOf(each.name, answers, best)
      : classesOf(each.name, answers, best, Math.min(classes, labels.length))
  })
}

function valuesOf(
  name: string,
  answers: readonly Scored[],
  best: readonly (readonly number[])[],
): OutputTensor {
  const width = answers[0]?.labels.length ?? 0
  const named = Math.min(NAMED_LABELS, width)
  switch (name) {
    case 'probabilities': {
      const values = new Float32Array(answers.length * width)
      for (const [index, { scores }] of answers.entries()) values.set(scores, index * width)
      return { name, datatype: 'FP32', shape: [answers.length, width], values }
    }
    case 'scores': {
      const values = answers.flatMap(({ scores }, photo) =>
        (best[photo] ?? []).slice(0, named).map((label) => scores[label] ?? 0),
      )
      const shape = [answers.length, named]
      return { name, datatype: 'FP32', shape, values: Float32Array.from(values) }
    }
    default: {
      const values = answers.flatMap(({ labels }, photo) =>
        (best[photo] ?? []).slice(0, named).map((label) => labels[label] ?? ''),
      )
      return { name, datatype: 'BYTES', shape: [answers.length, named], values }
    }
  }
}

/** https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md */
function classesOf(
  name: string,
  answers: readonly Scored[],
  best: readonly (readonly number[])[],
  count: number,
): OutputTensor {
  const values = answers.flatMap(({ labels, scores }, photo) =>
    (best[photo] ?? [])
      .slice(0, count)
      .map((label) => `${shortestFloat32(scores[label] ?? 0)}:${label}:${labels[label] ?? ''}`),
  )
  return { name, datatype: 'BYTES', shape: [answers.length, count], values }
}

/** The values as bytes. */
export function bytesOfTensor({ values }: OutputTensor): Uint8Array {
  return values instanceof Float32Array
    ? floatBytes(values)
    : joinElements(values.map((text) => Buffer.from(text)))
}

/** The values as JSON has them. */
export function jsonOfTensor({ values }: OutputTensor): readonly (number | string)[] {
  return values instanceof Float32Array ? Array.from(values, shortestFloat32) : values
}
