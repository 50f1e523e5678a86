/** Softmax cross-entropy against targets: the loss −Σ t · log p / n, and its gradient (p · Σ t − t) / n. */
import type { Value } from '../graph-builder.ts'
import type { StepGraph } from './step-graph.ts'

/** `logits` and `targets` are `[photos, classes]`; a row of targets need not sum to 1. */
export function emitLoss(
  graph: StepGraph,
  { logits, targets, photos }: { logits: Value; targets: Value; photos: number },
): { loss: Value; correct: Value; gradient: Value } {
  const logs = graph.node('LogSoftmax', [logits], { axis: 1 })
  const share = graph.scalar(1 / photos)
  const sum = graph.node('ReduceSum', [graph.multiply(targets, logs)], { keepdims: 0 })
  const weights = graph.node('ReduceSum', [targets, graph.ints([1])])
  const expected = graph.multiply(graph.node('Softmax', [logits], { axis: 1 }), weights)
  const same = graph.node('Equal', [place(graph, logits), place(graph, targets)])
  const counted = graph.node('Cast', [same], { to: 1 })
  return {
    loss: graph.node('Neg', [graph.multiply(sum, share)]),
    correct: graph.node('ReduceSum', [counted], { keepdims: 0 }),
    gradient: graph.multiply(graph.node('Sub', [expected, targets]), share),
  }
}

const place = (graph: StepGraph, rows: Value): Value =>
  graph.node('ArgMax', [rows], { axis: 1, keepdims: 0 })
