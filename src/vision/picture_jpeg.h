// JPEG, by libjpeg: gray, YCbCr, CMYK and YCCK. A file cut short gives the lines that are there.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Throws std::bad_alloc only.
Picture decode_jpeg(ByteView bytes, std::uint64_t pixel_limit);

}  // namespace qrx::vision
