// BMP (Windows 3 and later headers, and OS/2's): 1 to 32 bits a pixel, runs, bit fields, either order of lines.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Throws std::bad_alloc only.
// rgba: also gets the picture in colours, four bytes a pixel.
Picture decode_bmp(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba = nullptr);

}  // namespace qrx::vision
