// libjpeg for bytes from strangers: a fault is a jump instead of the end of the process, nothing is printed, and a file
// cannot cost many times its picture. Private to src/vision.
#pragma once

#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdint>

#include "base/bytes.h"

namespace qrx::vision {

// One file. The caller says where a fault leads to, `if (setjmp(decoder.jump) != 0) return ...;`, before open(), in a
// function that has no objects to destroy and stays until all calls into libjpeg are done.
struct JpegDecoder {
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  void open(ByteView bytes);  // the header is not read yet; the bytes stay the caller's

  bool four_inks() const { return jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK; }
  // Red, green and blue of a pixel of JCS_CMYK. Adobe writes the four inks inverted: 255 is no ink.
  std::array<unsigned, 3> light_of(const std::uint8_t* inks) const {
    std::array<unsigned, 4> light{};
    for (std::size_t i = 0; i < 4; ++i) light[i] = jpeg.saw_Adobe_marker != FALSE ? inks[i] : 255u - inks[i];
    return {light[0] * light[3] / 255, light[1] * light[3] / 255, light[2] * light[3] / 255};
  }

  jpeg_decompress_struct jpeg{};
  std::jmp_buf jump;
  bool warned = false;  // something was wrong, and was guessed

 private:
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  bool created_ = false;
};

}  // namespace qrx::vision
