// A picture file to a small picture in colours, for people to look at: PNG, JPEG (turned as its EXIF says), WebP, GIF
// (first frame), BMP. Hostile input; runs in the cage.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "vision/small_picture.h"

namespace qrx {

inline constexpr std::uint64_t most_shown_pixels = 50'000'000;

// At most width * height, in the picture's own shape; never enlarged. Nothing when it cannot be decoded or has too many
// pixels. Throws std::bad_alloc only.
std::optional<SmallPicture> decode_small(ByteView bytes, int width, int height);

}  // namespace qrx
