/*
 * What libjpeg-turbo refers to and decoding by our options never reaches: scaled sizes, other transforms, palettes, upsampling
 * without the triangle, 16-bit pixels. Left out, the program is half as long.
 */
#define JPEG_INTERNALS
#include <jinclude.h>
#include <jpeglib.h>

#include <jdct.h>
#include <jsimd.h>
#include <jsimddct.h>

#define NEVER_INVERSE(name)                                                                    \
  void name(j_decompress_ptr cinfo, jpeg_component_info *component, JCOEFPTR block,           \
            JSAMPARRAY rows, JDIMENSION column) {                                              \
    __builtin_trap();                                                                          \
  }
#define NEVER_SIZE(side) NEVER_INVERSE(jpeg_idct_##side##x##side)
NEVER_SIZE(1) NEVER_SIZE(2) NEVER_SIZE(3) NEVER_SIZE(4) NEVER_SIZE(5) NEVER_SIZE(6) NEVER_SIZE(7)
NEVER_SIZE(9) NEVER_SIZE(10) NEVER_SIZE(11) NEVER_SIZE(12) NEVER_SIZE(13) NEVER_SIZE(14) NEVER_SIZE(15) NEVER_SIZE(16)
NEVER_INVERSE(jpeg_idct_islow) NEVER_INVERSE(jpeg_idct_ifast) NEVER_INVERSE(jpeg_idct_float)
NEVER_INVERSE(jsimd_idct_2x2) NEVER_INVERSE(jsimd_idct_4x4) NEVER_INVERSE(jsimd_idct_6x6) NEVER_INVERSE(jsimd_idct_12x12)
NEVER_INVERSE(jsimd_idct_ifast) NEVER_INVERSE(jsimd_idct_float)

#define NEVER_SELECTED(name) \
  void name(j_decompress_ptr cinfo) { __builtin_trap(); }
NEVER_SELECTED(jinit_merged_upsampler) NEVER_SELECTED(jinit_1pass_quantizer) NEVER_SELECTED(jinit_2pass_quantizer)

#define NEVER_UPSAMPLED(name)                                                                  \
  void name(j_decompress_ptr cinfo, jpeg_component_info *component, JSAMPARRAY from, JSAMPARRAY *to) { \
    __builtin_trap();                                                                          \
  }
NEVER_UPSAMPLED(jsimd_h2v1_upsample) NEVER_UPSAMPLED(jsimd_h2v2_upsample)

void jsimd_ycc_rgb565_convert(j_decompress_ptr cinfo, JSAMPIMAGE from, JDIMENSION row, JSAMPARRAY to,
                              int rows) {
  __builtin_trap();
}

#define NO_SIMD_FOR(name) \
  int jsimd_can_##name(void) { return 0; }
NO_SIMD_FOR(ycc_rgb565) NO_SIMD_FOR(h2v1_upsample) NO_SIMD_FOR(h2v2_upsample)
NO_SIMD_FOR(idct_2x2) NO_SIMD_FOR(idct_4x4) NO_SIMD_FOR(idct_6x6) NO_SIMD_FOR(idct_12x12)
NO_SIMD_FOR(idct_ifast) NO_SIMD_FOR(idct_float)
