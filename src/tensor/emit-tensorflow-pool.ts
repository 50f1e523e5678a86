/** Emits pools as TensorFlow nodes. */
import { type PoolLayer, toPair } from './network.ts'
import { padsOf } from './network-shapes.ts'
import type { FloatTensor } from './tensor.ts'
import { type Emitter, mapSize, paddedInput, T } from './tensorflow-emitter.ts'
import { type Attributes, attr, type Value } from './tensorflow-graph.ts'

export function emitMaxPool(emitter: Emitter, layer: PoolLayer): Value {
  // What lies around the map never wins.
  const from = paddedInput(emitter, layer.input, layer.padding, Number.NEGATIVE_INFINITY)
  return emitter.graph.node('MaxPool', [from.value], windowOf(layer, from.padding))
}

export function emitAveragePool(emitter: Emitter, layer: PoolLayer): Value {
  const { graph } = emitter
  const counts = layer.countsPadding === true
  const map = mapSize(emitter.shape(layer.input))
  const taps = toPair(layer.kernelSize)
  // TensorFlow's SAME counts no zeros; zeros that are a layer of their own are counted.
  const padding =
    counts && layer.padding === 'same'
      ? padsOf(layer.padding, map, taps, layer.stride)
      : layer.padding
  const from = paddedInput(emitter, layer.input, padding, 0)
  const pooled = graph.node('AvgPool', [from.value], windowOf(layer, from.padding))
  if (counts || typeof padding === 'string') return pooled
  const shares = sharesInside(map, taps, toPair(layer.stride), padding)
  const inside = graph.numbers('float', [...shares.data], shares.dims)
  return graph.node('RealDiv', [pooled, inside], T)
}

const windowOf = ({ kernelSize, stride }: PoolLayer, padding: string): Attributes => ({
  ...T,
  ksize: attr.ints([1, ...toPair(kernelSize), 1]),
  strides: attr.ints([1, ...toPair(stride), 1]),
  padding: attr.text(padding),
})

/** For each position of a window, the share of its area that lies inside the map: `[1, h, w, 1]`. */
function sharesInside(
  map: { readonly height: number; readonly width: number },
  taps: readonly [number, number],
  stride: readonly [number, number],
  [top, left, bottom, right]: readonly [number, number, number, number],
): FloatTensor {
  const along = (size: number, before: number, after: number, tap: number, step: number) => {
    const positions = Math.floor((size + before + after - tap) / step) + 1
    return Array.from({ length: positions }, (_, index) => {
      const start = index * step - before
      return (Math.min(size, start + tap) - Math.max(0, start)) / tap
    })
  }
  const down = along(map.height, top, bottom, taps[0], stride[0])
  const across = along(map.width, left, right, taps[1], stride[1])
  return {
    dims: [1, down.length, across.length, 1],
    data: Float32Array.from(down.flatMap((row) => across.map((column) => row * column))),
  }
}
