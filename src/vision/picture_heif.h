// HEIC and AVIF (ISO/IEC 23008-12 with HEVC or AV1 inside), by libheif where the system has it: the primary picture.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Throws std::bad_alloc only.
// unread_format when prepare_for_heif() found no library, or that has no decoder for what is inside. rgba: also gets
// the picture in colours, four bytes a pixel.
Picture decode_heif(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba = nullptr);

}  // namespace qrx::vision
