/*
 * The four inner loops of libjpeg-turbo's decoder in WebAssembly's 128-bit SIMD: inverse DCT, upsampling of halved chroma
 * along one axis and both, YCbCr to RGB.
 *
 * The inverse DCT computes what libjpeg-turbo computes on x86-64, bit for bit, also where levels leave 16 bits: products
 * of coefficients and quantisers wrap, results of the first pass saturate. The others equal the C code.
 */
#include <wasm_simd128.h>

#define JPEG_INTERNALS
#include <jinclude.h>
#include <jpeglib.h>

#include <jdct.h>
#include <jsimd.h>
#include <jsimddct.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* [a0 … a7] [b0 … b7] → [a0 b0 … a3 b3] [a4 b4 … a7 b7] */
#define LOW16(a, b) wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH16(a, b) wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW32(a, b) wasm_i32x4_shuffle(a, b, 0, 4, 1, 5)
#define HIGH32(a, b) wasm_i32x4_shuffle(a, b, 2, 6, 3, 7)
#define LOW64(a, b) wasm_i64x2_shuffle(a, b, 0, 2)
#define HIGH64(a, b) wasm_i64x2_shuffle(a, b, 1, 3)
#define LOW8(a, b) \
  wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH8(a, b) \
  wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* Inverse DCT after Loeffler, Ligtenberg and Moschytz (ICASSP 1989), with the roundings of libjpeg's jidctint.c. */

#define CONST_BITS 13 /* of the multipliers below, after the point */
#define PASS1_BITS 2  /* of what the first pass hands to the second, after the point */
#define FIX(x) ((int)((x) * (1 << CONST_BITS) + 0.5))

/* 32-bit intermediate results for eight columns. */
typedef struct {
  v128_t low, high;
} Wide;

/* a · c0 + b · c1 */
ALWAYS_INLINE Wide multiply_add(v128_t a, v128_t b, int c0, int c1) {
  v128_t c = wasm_i16x8_make(c0, c1, c0, c1, c0, c1, c0, c1);
  return (Wide){wasm_i32x4_dot_i16x8(LOW16(a, b), c), wasm_i32x4_dot_i16x8(HIGH16(a, b), c)};
}

ALWAYS_INLINE Wide add(Wide a, Wide b) {
  return (Wide){wasm_i32x4_add(a.low, b.low), wasm_i32x4_add(a.high, b.high)};
}

ALWAYS_INLINE Wide subtract(Wide a, Wide b) {
  return (Wide){wasm_i32x4_sub(a.low, b.low), wasm_i32x4_sub(a.high, b.high)};
}

/* a · 2^CONST_BITS */
ALWAYS_INLINE Wide widen(v128_t a) {
  v128_t zero = wasm_i16x8_const_splat(0);
  return (Wide){wasm_i32x4_shr(LOW16(zero, a), 16 - CONST_BITS),
                wasm_i32x4_shr(HIGH16(zero, a), 16 - CONST_BITS)};
}

/* Rounded a / 2^bits, saturated to 16 bits. */
ALWAYS_INLINE v128_t narrow(Wide a, int bits) {
  v128_t half = wasm_i32x4_splat(1 << (bits - 1));
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(wasm_i32x4_add(a.low, half), bits),
                                 wasm_i32x4_shr(wasm_i32x4_add(a.high, half), bits));
}

/* One pass: eight transforms side by side, x[frequency] → x[position], divided by 2^bits. */
ALWAYS_INLINE void transform(v128_t x[8], int bits) {
  Wide sum = widen(wasm_i16x8_add(x[0], x[4]));
  Wide difference = widen(wasm_i16x8_sub(x[0], x[4]));
  Wide turned2 = multiply_add(x[2], x[6], FIX(0.541196100), FIX(0.541196100) - FIX(1.847759065));
  Wide turned6 = multiply_add(x[2], x[6], FIX(0.541196100) + FIX(0.765366865), FIX(0.541196100));
  Wide even0 = add(sum, turned6);
  Wide even3 = subtract(sum, turned6);
  Wide even1 = add(difference, turned2);
  Wide even2 = subtract(difference, turned2);

  v128_t z3 = wasm_i16x8_add(x[7], x[3]);
  v128_t z4 = wasm_i16x8_add(x[5], x[1]);
  Wide shared3 = multiply_add(z3, z4, FIX(1.175875602) - FIX(1.961570560), FIX(1.175875602));
  Wide shared4 = multiply_add(z3, z4, FIX(1.175875602), FIX(1.175875602) - FIX(0.390180644));
  Wide odd3 = add(shared3, multiply_add(x[7], x[1], FIX(0.298631336) - FIX(0.899976223), -FIX(0.899976223)));
  Wide odd0 = add(shared4, multiply_add(x[7], x[1], -FIX(0.899976223), FIX(1.501321110) - FIX(0.899976223)));
  Wide odd2 = add(shared4, multiply_add(x[5], x[3], FIX(2.053119869) - FIX(2.562915447), -FIX(2.562915447)));
  Wide odd1 = add(shared3, multiply_add(x[5], x[3], -FIX(2.562915447), FIX(3.072711026) - FIX(2.562915447)));

  x[0] = narrow(add(even0, odd0), bits);
  x[7] = narrow(subtract(even0, odd0), bits);
  x[1] = narrow(add(even1, odd1), bits);
  x[6] = narrow(subtract(even1, odd1), bits);
  x[2] = narrow(add(even2, odd2), bits);
  x[5] = narrow(subtract(even2, odd2), bits);
  x[3] = narrow(add(even3, odd3), bits);
  x[4] = narrow(subtract(even3, odd3), bits);
}

ALWAYS_INLINE void transpose(v128_t x[8]) {
  v128_t a0 = LOW16(x[0], x[1]), a1 = HIGH16(x[0], x[1]);
  v128_t a2 = LOW16(x[2], x[3]), a3 = HIGH16(x[2], x[3]);
  v128_t a4 = LOW16(x[4], x[5]), a5 = HIGH16(x[4], x[5]);
  v128_t a6 = LOW16(x[6], x[7]), a7 = HIGH16(x[6], x[7]);
  v128_t b0 = LOW32(a0, a2), b1 = HIGH32(a0, a2);
  v128_t b2 = LOW32(a1, a3), b3 = HIGH32(a1, a3);
  v128_t b4 = LOW32(a4, a6), b5 = HIGH32(a4, a6);
  v128_t b6 = LOW32(a5, a7), b7 = HIGH32(a5, a7);
  x[0] = LOW64(b0, b4), x[1] = HIGH64(b0, b4);
  x[2] = LOW64(b1, b5), x[3] = HIGH64(b1, b5);
  x[4] = LOW64(b2, b6), x[5] = HIGH64(b2, b6);
  x[6] = LOW64(b3, b7), x[7] = HIGH64(b3, b7);
}

int jsimd_can_idct_islow(void) { return 1; }

void jsimd_idct_islow(j_decompress_ptr cinfo, jpeg_component_info *component, JCOEFPTR block,
                      JSAMPARRAY rows, JDIMENSION column) {
  const ISLOW_MULT_TYPE *quantisers = component->dct_table;
  v128_t x[8];
  v128_t changes = wasm_i16x8_const_splat(0);
  for (int row = 0; row < 8; row++) {
    x[row] = wasm_v128_load(block + 8 * row);
    if (row > 0) changes = wasm_v128_or(changes, x[row]);
  }
  x[0] = wasm_i16x8_mul(x[0], wasm_v128_load(quantisers));
  if (wasm_v128_any_true(changes)) {
    for (int row = 1; row < 8; row++) {
      x[row] = wasm_i16x8_mul(x[row], wasm_v128_load(quantisers + 8 * row));
    }
    transform(x, CONST_BITS - PASS1_BITS);
  } else {
    x[0] = wasm_i16x8_shl(x[0], PASS1_BITS);
    for (int row = 1; row < 8; row++) x[row] = x[0];
  }
  transpose(x);
  transform(x, CONST_BITS + PASS1_BITS + 3);
  transpose(x);
  for (int row = 0; row < 8; row += 2) {
    v128_t levels = wasm_i8x16_narrow_i16x8(x[row], x[row + 1]);
    levels = wasm_v128_xor(levels, wasm_u8x16_const_splat(0x80)); /* −128 … 127 → 0 … 255 */
    wasm_v128_store64_lane(rows[row] + column, levels, 0);
    wasm_v128_store64_lane(rows[row + 1] + column, levels, 1);
  }
}

/*
 * Upsampling by a triangle: three parts of the nearer sample, one of the farther. The outermost samples count as their own
 * neighbours. Rows of samples are allocated with room up to the next multiple of 64, so that whole vectors can be written.
 */

/* 16 bits per sample, with one more on each side; a JPEG is at most 65,535 wide. */
static unsigned short sums[1 + 32768 + 16];

/* Writes 2 · count samples: left ones (3 · own + left + left_half) >> bits, right ones likewise. */
ALWAYS_INLINE void widen_row(JDIMENSION count, JSAMPROW to, int left_half, int right_half, int bits) {
  sums[0] = sums[1];
  sums[count + 1] = sums[count];
  for (JDIMENSION i = 0; i < count; i += 8) {
    v128_t own = wasm_v128_load(sums + i + 1);
    v128_t threefold = wasm_i16x8_add(own, wasm_i16x8_shl(own, 1));
    v128_t left = wasm_i16x8_add(wasm_i16x8_add(threefold, wasm_v128_load(sums + i)),
                                 wasm_i16x8_splat(left_half));
    v128_t right = wasm_i16x8_add(wasm_i16x8_add(threefold, wasm_v128_load(sums + i + 2)),
                                  wasm_i16x8_splat(right_half));
    left = wasm_u16x8_shr(left, bits);
    right = wasm_u16x8_shr(right, bits);
    wasm_v128_store(to + 2 * i, wasm_v128_or(left, wasm_i16x8_shl(right, 8)));
  }
}

int jsimd_can_h2v1_fancy_upsample(void) { return 1; }

void jsimd_h2v1_fancy_upsample(j_decompress_ptr cinfo, jpeg_component_info *component,
                               JSAMPARRAY from, JSAMPARRAY *to) {
  JDIMENSION count = component->downsampled_width;
  for (int row = 0; row < cinfo->max_v_samp_factor; row++) {
    for (JDIMENSION i = 0; i < count; i += 8) {
      wasm_v128_store(sums + i + 1, wasm_u16x8_load8x8(from[row] + i));
    }
    widen_row(count, (*to)[row], 1, 2, 2);
  }
}

int jsimd_can_h2v2_fancy_upsample(void) { return 1; }

void jsimd_h2v2_fancy_upsample(j_decompress_ptr cinfo, jpeg_component_info *component,
                               JSAMPARRAY from, JSAMPARRAY *to) {
  JDIMENSION count = component->downsampled_width;
  for (int row = 0; row < cinfo->max_v_samp_factor; row++) {
    JSAMPROW near = from[row / 2];
    JSAMPROW far = from[row % 2 == 0 ? row / 2 - 1 : row / 2 + 1];
    for (JDIMENSION i = 0; i < count; i += 8) {
      v128_t own = wasm_u16x8_load8x8(near + i);
      v128_t threefold = wasm_i16x8_add(own, wasm_i16x8_shl(own, 1));
      wasm_v128_store(sums + i + 1, wasm_i16x8_add(threefold, wasm_u16x8_load8x8(far + i)));
    }
    widen_row(count, (*to)[row], 8, 7, 4);
  }
}

/*
 * YCbCr → RGB (JFIF 1.02): R = Y + 1.402 Cr, G = Y − 0.344136 Cb − 0.714136 Cr, B = Y + 1.772 Cb, in steps of 2^-14 and
 * 2^-15 that give libjpeg's levels for every Cb and Cr.
 */

int jsimd_can_ycc_rgb(void) { return 1; }

/* 8 + 8 samples of 16 bits → 16 of 8 bits. */
#define LEVELS(low, high) wasm_u8x16_narrow_i16x8(low, high)

void jsimd_ycc_rgb_convert(j_decompress_ptr cinfo, JSAMPIMAGE from, JDIMENSION row, JSAMPARRAY to,
                           int rows) {
  const v128_t middle = wasm_i16x8_const_splat(128);
  const v128_t green = wasm_i16x8_const(-11277, -23401, -11277, -23401, -11277, -23401, -11277, -23401);
  const v128_t half = wasm_i32x4_const_splat(1 << 14);
  for (; rows > 0; rows--, row++, to++) {
    JSAMPROW ys = from[0][row], cbs = from[1][row], crs = from[2][row];
    JSAMPROW out = *to;
    for (JDIMENSION i = 0; i < cinfo->output_width; i += 16, out += 48) {
      v128_t channels[3][2];
      for (int part = 0; part < 2; part++) {
        v128_t y = wasm_u16x8_load8x8(ys + i + 8 * part);
        v128_t cb = wasm_i16x8_sub(wasm_u16x8_load8x8(cbs + i + 8 * part), middle);
        v128_t cr = wasm_i16x8_sub(wasm_u16x8_load8x8(crs + i + 8 * part), middle);
        v128_t low = wasm_i32x4_dot_i16x8(LOW16(cb, cr), green);
        v128_t high = wasm_i32x4_dot_i16x8(HIGH16(cb, cr), green);
        low = wasm_i32x4_shr(wasm_i32x4_add(low, half), 15);
        high = wasm_i32x4_shr(wasm_i32x4_add(high, half), 15);
        channels[0][part] = wasm_i16x8_add(
            y, wasm_i16x8_q15mulr_sat(wasm_i16x8_shl(cr, 1), wasm_i16x8_const_splat(22971)));
        channels[1][part] = wasm_i16x8_add(y, wasm_i16x8_narrow_i32x4(low, high));
        channels[2][part] = wasm_i16x8_add(
            y, wasm_i16x8_q15mulr_sat(wasm_i16x8_shl(cb, 1), wasm_i16x8_const_splat(29033)));
      }
      v128_t r = LEVELS(channels[0][0], channels[0][1]);
      v128_t g = LEVELS(channels[1][0], channels[1][1]);
      v128_t b = LEVELS(channels[2][0], channels[2][1]);
      v128_t rg = LOW8(r, g), rg8 = HIGH8(r, g);
      wasm_v128_store(out, wasm_i8x16_shuffle(rg, b, 0, 1, 16, 2, 3, 17, 4, 5, 18, 6, 7, 19, 8, 9, 20, 10));
      v128_t rg5 = wasm_i8x16_shuffle(rg, rg8, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26);
      wasm_v128_store(out + 16, wasm_i8x16_shuffle(rg5, b, 0, 21, 1, 2, 22, 3, 4, 23, 5, 6, 24, 7, 8, 25, 9, 10));
      wasm_v128_store(out + 32, wasm_i8x16_shuffle(rg8, b, 26, 6, 7, 27, 8, 9, 28, 10, 11, 29, 12, 13, 30, 14, 15, 31));
    }
  }
}
