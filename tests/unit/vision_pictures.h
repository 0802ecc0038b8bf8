// Pictures for the tests, written by the encoders of the format's own library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vision/gray.h"

namespace qrx::vision {

using PictureBytes = std::vector<std::uint8_t>;

Gray code_picture(const std::string& text, int module_pixels = 4, int quiet_zone = 4);
// Side by side on white.
Gray beside(const Gray& left, const Gray& right);
Gray negative(Gray gray);
Gray mirrored(Gray gray);

PictureBytes png_of(const Gray& gray);
PictureBytes png_with_alpha(const Gray& gray, const Gray& alpha);
PictureBytes jpeg_of(const Gray& gray, bool progressive = false);
PictureBytes jpeg_cmyk_of(const Gray& gray);
PictureBytes webp_of(const Gray& gray, bool lossless);
PictureBytes gif_of(const Gray& gray, bool interlaced = false);
// bits: 1, 4, 8, 16, 24 or 32
PictureBytes bmp_of(const Gray& gray, int bits, bool top_down = false);

}  // namespace qrx::vision
