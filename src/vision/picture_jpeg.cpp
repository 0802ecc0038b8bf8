#include "vision/picture_jpeg.h"

#include <utility>

#include "vision/jpeg_decoder.h"

namespace qrx::vision {
namespace {

struct Reading {
  JpegDecoder decoder;
  Picture picture;
  std::vector<std::uint8_t> line;
  bool has_pixels = false;
};

void read_cmyk_line(const Reading& reading, std::uint8_t* out) {
  for (JDIMENSION x = 0; x < reading.decoder.jpeg.output_width; ++x) {
    const auto light = reading.decoder.light_of(reading.line.data() + 4 * static_cast<std::size_t>(x));
    out[x] = luma(light[0], light[1], light[2]);
  }
}

bool run(Reading& reading, ByteView bytes, std::uint64_t pixel_limit) {
  jpeg_decompress_struct& jpeg = reading.decoder.jpeg;
  // Objects of this function would not be destroyed by the jump: all of them live in `reading`.
  if (setjmp(reading.decoder.jump) != 0) return false;
  reading.decoder.open(bytes);
  jpeg_read_header(&jpeg, TRUE);
  if (!within_limit(jpeg.image_width, jpeg.image_height, pixel_limit)) {
    reading.picture.fault = PictureFault::too_large;
    return true;
  }
  const bool four_inks = reading.decoder.four_inks();
  jpeg.out_color_space = four_inks ? JCS_CMYK : JCS_GRAYSCALE;
  // Box upsampling of the colours, which gray does not need.
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
  // Bytes that libjpeg made up: a picture that is grey from some line on must not pass for whole.
  if (reading.decoder.warned) picture.complete = false;
  if (picture.fault != PictureFault::none) return picture;
  if (!complete) picture.complete = false;
  if (!reading.has_pixels) picture.fault = PictureFault::damaged;
  return picture;
}

}  // namespace qrx::vision
