// AssemblyScript, compiled by `npm run wasm` to assets/squash.wasm; src/images/squash.ts calls it.
//
// The squash of preprocess-graph.ts with the arithmetic of ONNX Runtime's `Resize`: float32 throughout, the window of a
// pixel added in its order, so that the levels are the same bit for bit. Rows stream through: a photo's row is squashed to
// the width once, and waits in a ring until the last window that holds it is done.

/** Bytes of a pixel while it is a vector of four floats: red, green, blue and nothing. */
const PIXEL_BYTES: usize = 16
const SUPPORT: f32 = 2

/** Pixels that a window of this axis may hold. */
export function windowSize(from: i32, to: i32): i32 {
  const scale = scaleOf(from, to)
  return <i32>Mathf.ceil(scale >= 1 ? SUPPORT * scale : SUPPORT) * 2 + 1
}

/** Writes for each of `to` places: first index i32, count i32, then the weights f32 `[windowSize]`. */
export function planAxis(from: i32, to: i32, plan: usize): void {
  const rscale: f32 = <f32>to / <f32>from
  const scale = scaleOf(from, to)
  const support: f32 = scale >= 1 ? SUPPORT * scale : SUPPORT
  const inverse: f32 = scale >= 1 ? <f32>1 / scale : 1
  const stride: usize = 8 + 4 * <usize>windowSize(from, to)
  for (let i = 0; i < to; i++) {
    const place = plan + <usize>i * stride
    const middle: f32 = <f32>0.5 + (scale == 1 ? <f32>i : (<f32>i + <f32>0.5) / rscale - <f32>0.5)
    const first = clamp(<i32>Mathf.floor(middle - support + <f32>0.5), from)
    const end = clamp(<i32>Mathf.floor(middle + support + <f32>0.5), from)
    const count = end - first
    store<i32>(place, first)
    store<i32>(place, count, 4)
    const weights = place + 8
    let total: f32 = 0
    for (let k = 0; k < count; k++) {
      const weight = cubic((<f32>(k + first) - middle + <f32>0.5) * inverse)
      store<f32>(weights + 4 * <usize>k, weight)
      total += weight
    }
    const share: f32 = total == 0 ? 1 : <f32>1 / total
    for (let k = 0; k < count; k++) {
      const at = weights + 4 * <usize>k
      store<f32>(at, load<f32>(at) * share)
    }
  }
}

/** Rows of a photo that are squashed at once, and pixels of a result that are mixed at once: they share their weights. */
export const GROUP: i32 = 4

/**
 * RGB levels u8 `[height, width, 3]` at `source` → `[size, size, 3]` at `target`; a byte behind each of them is touched.
 *
 * @param columns - plan of width → size; @param rows - plan of height → size
 * @param line - room for `GROUP` rows of the photo as vectors
 * @param ring - room for `windowSize(height, size) + GROUP` rows of `size` vectors, `GROUP` vectors behind them
 */
export function squash(
  source: usize, width: i32, height: i32,
  target: usize, size: i32,
  columns: usize, rows: usize,
  line: usize, ring: usize,
): void {
  const isOdd = (size & 1) == 1
  const rowBytes: usize = <usize>size * PIXEL_BYTES
  // A multiple of the group: no group wraps round within itself.
  const ringRows = (windowSize(height, size) + 2 * GROUP - 1) / GROUP * GROUP
  const stride: usize = 8 + 4 * <usize>windowSize(height, size)
  let squashed = 0
  for (let y = 0; y < size; y++) {
    const plan = rows + <usize>y * stride
    const first = load<i32>(plan)
    const count = load<i32>(plan, 4)
    for (; squashed < first + count; squashed += GROUP) {
      const to = ring + <usize>(squashed % ringRows) * rowBytes
      const wide = width == size ? to : line
      const wideBytes: usize = <usize>width * PIXEL_BYTES
      for (let i = 0; i < GROUP; i++) {
        const row = min(squashed + i, height - 1)
        widen(source + <usize>row * <usize>width * 3, width, wide + <usize>i * wideBytes)
      }
      if (width != size) squashRows(line, width, size, columns, to, isOdd)
    }
    const out = target + <usize>y * rowBytes / PIXEL_BYTES * 3
    mixRows(ring, ringRows, rowBytes, first, count, plan + 8, size, out, isOdd)
  }
}

/** Levels u8 `[n, 3]` → vectors f32 `[n, 4]`. */
function widen(from: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i++) {
    const levels = v128.load32_zero(from + 3 * <usize>i)
    const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(levels))
    v128.store(to + <usize>i * PIXEL_BYTES, f32x4.convert_i32x4_u(words))
  }
}

/** Four rows of `width` vectors → four of `size`. */
function squashRows(line: usize, width: i32, size: i32, columns: usize, to: usize, isOdd: bool): void {
  const stride: usize = 8 + 4 * <usize>windowSize(width, size)
  const wide: usize = <usize>width * PIXEL_BYTES
  const narrow: usize = <usize>size * PIXEL_BYTES
  let plan = columns
  for (let x = 0; x < size; x++) {
    let pixel = line + <usize>load<i32>(plan) * PIXEL_BYTES
    let weight = plan + 8
    const end = weight + 4 * <usize>load<i32>(plan, 4)
    let a = f32x4.splat(0)
    let b = f32x4.splat(0)
    let c = f32x4.splat(0)
    let d = f32x4.splat(0)
    for (; weight < end; weight += 4) {
      const share = v128.load32_splat(weight)
      a = f32x4.add(a, f32x4.mul(v128.load(pixel), share))
      b = f32x4.add(b, f32x4.mul(v128.load(pixel + wide), share))
      c = f32x4.add(c, f32x4.mul(v128.load(pixel + 2 * wide), share))
      d = f32x4.add(d, f32x4.mul(v128.load(pixel + 3 * wide), share))
      pixel += PIXEL_BYTES
    }
    const place = to + <usize>x * PIXEL_BYTES
    v128.store(place, toLevels(a, isOdd))
    v128.store(place + narrow, toLevels(b, isOdd))
    v128.store(place + 2 * narrow, toLevels(c, isOdd))
    v128.store(place + 3 * narrow, toLevels(d, isOdd))
    plan += stride
  }
}

/** The window of rows → one row of levels. */
function mixRows(
  ring: usize, ringRows: i32, rowBytes: usize,
  first: i32, count: i32, weights: usize,
  size: i32, out: usize, isOdd: bool,
): void {
  const end = ring + <usize>ringRows * rowBytes
  const start = ring + <usize>(first % ringRows) * rowBytes
  const lastWeight = weights + 4 * <usize>count
  for (let x = 0; x < size; x += GROUP) {
    const offset = <usize>x * PIXEL_BYTES
    let row = start
    let a = f32x4.splat(0)
    let b = f32x4.splat(0)
    let c = f32x4.splat(0)
    let d = f32x4.splat(0)
    for (let weight = weights; weight < lastWeight; weight += 4) {
      const share = v128.load32_splat(weight)
      const pixel = row + offset
      a = f32x4.add(a, f32x4.mul(v128.load(pixel), share))
      b = f32x4.add(b, f32x4.mul(v128.load(pixel, 16), share))
      c = f32x4.add(c, f32x4.mul(v128.load(pixel, 32), share))
      d = f32x4.add(d, f32x4.mul(v128.load(pixel, 48), share))
      row += rowBytes
      if (row === end) row = ring
    }
    const place = out + 3 * <usize>x
    storeLevels(toLevels(a, isOdd), place)
    if (x + 1 < size) storeLevels(toLevels(b, isOdd), place + 3)
    if (x + 2 < size) storeLevels(toLevels(c, isOdd), place + 6)
    if (x + 3 < size) storeLevels(toLevels(d, isOdd), place + 9)
  }
}

/** Whole levels as floats: what `roundLevels` of preprocess-graph.ts and its `Clip` give. */
function toLevels(sum: v128, isOdd: bool): v128 {
  const whole = isOdd
    ? f32x4.floor(f32x4.add(sum, f32x4.splat(0.50001)))
    : f32x4.nearest(sum)
  return f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), whole))
}

function storeLevels(levels: v128, out: usize): void {
  // Above 2^23 a float ends in its whole part.
  const words = v128.and(f32x4.add(levels, f32x4.splat(8388608)), i32x4.splat(0xff))
  const halves = i16x8.narrow_i32x4_u(words, words)
  v128.store32_lane(out, i8x16.narrow_i16x8_u(halves, halves), 0)
}

function scaleOf(from: i32, to: i32): f32 {
  return <f32>1 / (<f32>to / <f32>from)
}

function clamp(value: i32, end: i32): i32 {
  return max(0, min(value, end))
}

/** Pillow's bicubic, a = -0.5, in the order in which ONNX Runtime computes it. */
function cubic(x: f32): f32 {
  const a: f32 = -0.5
  if (x < 0) x = -x
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}
