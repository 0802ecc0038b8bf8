// GIF, by giflib: one frame, or all of them as they are shown.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Throws std::bad_alloc only.
// The first frame. rgba: also gets it in colours, four bytes a pixel.
Picture decode_gif(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba = nullptr);

// Each frame on top of those before it, from the first; until `see` says false, or the file ends or is broken.
void each_gif_frame(ByteView bytes, std::uint64_t pixel_limit, const std::function<bool(const Gray&)>& see);

}  // namespace qrx::vision
