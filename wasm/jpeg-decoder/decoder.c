/*
 * A JPEG in memory → RGB pixels in memory, by libjpeg-turbo.
 *
 * Anything that libjpeg-turbo would warn of ends the program (a trap): the caller throws the instance away and lets another
 * decoder judge the photo. Memory is a heap that only grows, and starts anew with every photo.
 */
#include <stddef.h>
#include <string.h>

#include <jinclude.h>
#include <jpeglib.h>

#include <jerror.h>
#include <jmemsys.h>

#define EXPORT(name) __attribute__((export_name(name)))

/* More scans than any encoder writes: a small file could ask for hours. */
#define MAX_SCANS 100

/* libjpeg-turbo decodes fast while so many bytes follow: 512 for each block of a unit, of which there are at most 10. */
#define PADDING (512 * 10)

/* Vectors are read and written over the end of a row. */
#define SLACK 64

static _Noreturn void give_up(void) { __builtin_trap(); }

/* The heap */

#define PAGE 65536
#define MAX_ALLOCATION ((size_t)1 << 30)
#define MAX_HEAP ((size_t)1 << 31)

extern unsigned char __heap_base;
static size_t heap_end;

static void *allocate(size_t size) {
  size_t start = (heap_end + 15) & ~(size_t)15;
  if (size > MAX_ALLOCATION || start + size > MAX_HEAP) give_up();
  heap_end = start + size;
  size_t missing = heap_end + SLACK;
  size_t pages = __builtin_wasm_memory_size(0);
  if (missing > pages * PAGE) {
    size_t more = (missing - pages * PAGE + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, more) == (size_t)-1) give_up();
  }
  return (void *)start;
}

void *jpeg_get_small(j_common_ptr cinfo, size_t size) { return allocate(size); }
void jpeg_free_small(j_common_ptr cinfo, void *object, size_t size) {}
void *jpeg_get_large(j_common_ptr cinfo, size_t size) { return allocate(size); }
void jpeg_free_large(j_common_ptr cinfo, void *object, size_t size) {}
size_t jpeg_mem_available(j_common_ptr cinfo, size_t least, size_t most, size_t used) { return most; }
void jpeg_open_backing_store(j_common_ptr cinfo, backing_store_ptr info, long size) { give_up(); }
long jpeg_mem_init(j_common_ptr cinfo) { return 0; }
void jpeg_mem_term(j_common_ptr cinfo) {}

/* Complaints */

static void error_exit(j_common_ptr cinfo) { give_up(); }
static void emit_message(j_common_ptr cinfo, int level) {
  if (level < 0) give_up(); /* a warning; what is above is for debugging */
}
static void reset_errors(j_common_ptr cinfo) {}

static void watch_scans(j_common_ptr cinfo) {
  if (((j_decompress_ptr)cinfo)->input_scan_number > MAX_SCANS) give_up();
}

/* The source */

static void init_source(j_decompress_ptr cinfo) {}
static boolean fill_input_buffer(j_decompress_ptr cinfo) { give_up(); }
static void skip_input_data(j_decompress_ptr cinfo, long count) {
  if (count <= 0) return;
  if ((size_t)count > cinfo->src->bytes_in_buffer) give_up();
  cinfo->src->next_input_byte += count;
  cinfo->src->bytes_in_buffer -= count;
}
static void term_source(j_decompress_ptr cinfo) {}

/* What JavaScript calls */

static struct {
  unsigned width, height;
  unsigned char *pixels;
} result;

/* Where to write the bytes of the next photo. */
EXPORT("reserve") unsigned char *reserve(size_t size) {
  heap_end = (size_t)&__heap_base;
  return allocate(size + PADDING);
}

/* Decodes `size` bytes that were written to `bytes`; gives the place of width, height and place of the pixels. */
EXPORT("decode") void *decode(unsigned char *bytes, size_t size) {
  struct jpeg_decompress_struct cinfo;
  struct jpeg_error_mgr errors = {
    .error_exit = error_exit, .emit_message = emit_message, .reset_error_mgr = reset_errors
  };
  struct jpeg_source_mgr source = {
    .next_input_byte = bytes, .bytes_in_buffer = size + PADDING,
    .init_source = init_source, .fill_input_buffer = fill_input_buffer, .skip_input_data = skip_input_data,
    .resync_to_restart = jpeg_resync_to_restart, .term_source = term_source
  };
  struct jpeg_progress_mgr progress = { .progress_monitor = watch_scans };

  /* The padding is ends of image, so that nothing is decoded from it. */
  for (size_t i = 0; i < PADDING; i += 2) {
    bytes[size + i] = 0xff;
    bytes[size + i + 1] = JPEG_EOI;
  }

  cinfo.err = &errors;
  jpeg_create_decompress(&cinfo);
  cinfo.src = &source;
  cinfo.progress = &progress;
  jpeg_read_header(&cinfo, TRUE);
  cinfo.out_color_space = JCS_RGB;
  cinfo.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&cinfo);

  size_t stride = (size_t)cinfo.output_width * 3;
  unsigned long long size_of_pixels = (unsigned long long)stride * cinfo.output_height;
  if (size_of_pixels > MAX_ALLOCATION - SLACK) give_up();
  result.width = cinfo.output_width;
  result.height = cinfo.output_height;
  result.pixels = allocate((size_t)size_of_pixels + SLACK);
  while (cinfo.output_scanline < cinfo.output_height) {
    JSAMPROW rows[4];
    int count = 0;
    for (; count < 4; count++) rows[count] = result.pixels + stride * (cinfo.output_scanline + count);
    jpeg_read_scanlines(&cinfo, rows, count);
  }
  jpeg_finish_decompress(&cinfo);
  if (source.next_input_byte > bytes + size) give_up(); /* the end was one of the padding */
  return &result;
}

