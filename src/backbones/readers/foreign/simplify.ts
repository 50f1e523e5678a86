/** Brings the layers of a foreign graph to the form that our own networks have, without changing what they compute. */
import { type Layer, toPair } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { type DraftGraph, type Replay, rewrite } from './rewrite.ts'

/** Reshapes between maps of one position and vectors vanish, and pools over the whole map are global ones. */
export const simplifyShapes = (graph: DraftGraph): DraftGraph =>
  rewrite(graph, (layer, replay) => {
    const from = 'input' in layer ? replay.layer(layer.input) : undefined
    switch (layer.op) {
      case 'max-pool':
      case 'average-pool':
        if (!coversMap(layer, replay)) return replay.add(layer)
        return replay.add({
          op: layer.op === 'max-pool' ? 'global-max-pool' : 'global-average-pool',
          input: layer.input,
          staysMap: true,
        })
      case 'flatten': {
        if (from?.op === 'to-map') return from.input
        if (from === undefined || !isGlobalPool(from)) return replay.add(layer)
        return replay.add({ op: from.op, input: from.input })
      }
      case 'to-map':
        if (from === undefined || !isGlobalPool(from)) return replay.add(layer)
        return replay.add({ op: from.op, input: from.input, staysMap: true })
      default:
        return replay.add(layer)
    }
  })

type GlobalPool = Extract<Layer, { op: 'global-average-pool' | 'global-max-pool' }>

const isGlobalPool = (layer: Layer): layer is GlobalPool =>
  layer.op === 'global-average-pool' || layer.op === 'global-max-pool'

/** Whether a pool has one window that is the map, nothing around it. */
function coversMap(
  layer: Extract<Layer, { op: 'max-pool' | 'average-pool' }>,
  { shape }: Replay,
): boolean {
  const { height, width } = shape(layer.input)
  const [down, across] = toPair(layer.kernelSize)
  const { padding } = layer
  const none = padding === 'valid' || (padding !== 'same' && padding.every((zeros) => zeros === 0))
  return none && down === height && across === width
}

/** Folds each scale into the convolution, dense layer or scale before it, where nothing else reads that. */
export const foldScales = (graph: DraftGraph): DraftGraph =>
  rewrite(graph, (layer, replay, readers) => {
    if (layer.op !== 'scale') return replay.add(layer)
    const before = replay.layer(layer.input)
    if (readers(0) !== 1 || !foldScale(layer.name, before, replay.weights)) return replay.add(layer)
    return layer.input
  })

function foldScale(
  name: string,
  before: Layer | undefined,
  weights: Map<string, FloatTensor>,
): boolean {
  if (before?.op !== 'conv' && before?.op !== 'dense' && before?.op !== 'scale') return false
  const [factors, offsets] = ['scale', 'offset'].map((which) => weights.get(`${name}/${which}`)!)
  const names =
    before.op === 'scale' ? (['scale', 'offset'] as const) : (['kernel', 'bias'] as const)
  const [kernel, bias] = names.map((which) => weights.get(`${before.name}/${which}`)!)
  const perFilter = kernel!.data.length / bias!.data.length
  const scaled = Float32Array.from(kernel!.data)
  for (const [filter, factor] of factors!.data.entries()) {
    for (let at = filter * perFilter; at < (filter + 1) * perFilter; at++) scaled[at]! *= factor
  }
  const moved = bias!.data.map((value, at) => value * factors!.data[at]! + offsets!.data[at]!)
  weights.set(`${before.name}/${names[0]}`, { dims: kernel!.dims, data: scaled })
  weights.set(`${before.name}/${names[1]}`, { dims: bias!.dims, data: moved })
  return true
}
