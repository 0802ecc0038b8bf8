// The bytes of a picture file to gray pixels: PNG, JPEG, WebP, GIF, BMP, HEIC and AVIF, and SVG as qrx-recv writes it,
// by content. Hostile input: sizes are checked before memory is taken. Runs in the sandboxed helper.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// Throws std::bad_alloc only.
Picture decode_picture(ByteView bytes, std::uint64_t pixel_limit = most_pixels);

}  // namespace qrx::vision
