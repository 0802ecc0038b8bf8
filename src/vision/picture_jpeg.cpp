#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <csetjmp>
#include <new>

#include "vision/picture.h"

namespace qrx {
namespace {

// Each further scan of a progressive file costs as much as the whole picture; real ones have about ten.
constexpr int most_scans = 100;

struct Reading {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump;
  Picture picture;
  std::vector<std::uint8_t> line;
  bool created = false;
  bool has_pixels = false;

  ~Reading() {
    if (created) jpeg_destroy_decompress(&jpeg);
  }
};

void stop(j_common_ptr jpeg) { std::longjmp(static_cast<Reading*>(jpeg->client_data)->jump, 1); }
void keep_quiet(j_common_ptr) {}
void count_warning(j_common_ptr jpeg, int level) {
  if (level < 0) static_cast<Reading*>(jpeg->client_data)->picture.complete = false;
}
void watch_scans(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > most_scans) stop(jpeg);
}

void read_cmyk_line(const Reading& reading, std::uint8_t* out) {
  // Adobe writes the four inks inverted: 255 is no ink.
  const bool inverted = reading.jpeg.saw_Adobe_marker != FALSE;
  for (JDIMENSION x = 0; x < reading.jpeg.output_width; ++x) {
    const std::uint8_t* ink = reading.line.data() + 4 * static_cast<std::size_t>(x);
    unsigned light[4];
    for (int i = 0; i < 4; ++i) light[i] = inverted ? ink[i] : 255u - ink[i];
    out[x] = luma(light[0] * light[3] / 255, light[1] * light[3] / 255, light[2] * light[3] / 255);
  }
}

bool run(Reading& reading, ByteView bytes, std::uint64_t pixel_limit) {
  jpeg_decompress_struct& jpeg = reading.jpeg;
  jpeg.err = jpeg_std_error(&reading.errors);
  reading.errors.error_exit = stop;
  reading.errors.output_message = keep_quiet;
  reading.errors.emit_message = count_warning;
  jpeg.client_data = &reading;
  if (setjmp(reading.jump) != 0) return false;
  jpeg_create_decompress(&jpeg);
  reading.created = true;
  jpeg.client_data = &reading;
  jpeg.progress = &reading.progress;
  reading.progress.progress_monitor = watch_scans;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  if (!within_limit(jpeg.image_width, jpeg.image_height, pixel_limit)) {
    reading.picture.fault = PictureFault::too_large;
    return true;
  }
  const bool four_inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = four_inks ? JCS_CMYK : JCS_GRAYSCALE;
  jpeg.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&jpeg);
  reading.picture.gray = Gray(static_cast<int>(jpeg.output_width), static_cast<int>(jpeg.output_height), 128);
  if (four_inks) reading.line.resize(4 * static_cast<std::size_t>(jpeg.output_width));
  while (jpeg.output_scanline < jpeg.output_height) {
    std::uint8_t* out = reading.picture.gray.row(static_cast<int>(jpeg.output_scanline));
    JSAMPROW rows[1] = {four_inks ? reading.line.data() : out};
    if (jpeg_read_scanlines(&jpeg, rows, 1) != 1) return false;
    if (four_inks) read_cmyk_line(reading, out);
    reading.has_pixels = true;
  }
  return true;
}

}  // namespace

Picture decode_jpeg(ByteView bytes, std::uint64_t pixel_limit) {
  Reading reading;
  reading.picture.format = PictureFormat::jpeg;
  const bool complete = run(reading, bytes, pixel_limit);
  Picture picture = std::move(reading.picture);
  if (picture.fault != PictureFault::none) return picture;
  if (!complete) picture.complete = false;
  if (!reading.has_pixels) picture.fault = PictureFault::damaged;
  return picture;
}

}  // namespace qrx
