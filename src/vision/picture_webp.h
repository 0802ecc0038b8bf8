// WebP, by libwebp: still pictures, and the first frame of moving ones.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Throws std::bad_alloc only.
Picture decode_webp(ByteView bytes, std::uint64_t pixel_limit);

}  // namespace qrx::vision
