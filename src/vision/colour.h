// A picture file to a small picture in colours, for people to look at: PNG, JPEG (turned as its EXIF says), WebP, GIF
// (first frame), BMP. Hostile input; runs in the sandbox.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "vision/small_picture.h"

namespace qrx::vision {

inline constexpr std::uint64_t most_shown_pixels = 50'000'000;

// As it is in the file: not turned, not scaled but by a JPEG decoder, which takes a half, a quarter or an eighth where
// more than twice the size is there.
struct ColourPicture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgba;
  int orientation = 1;  // as EXIF counts: 1 upright, 2 to 8 mirrored and turned
};

// side: what the shorter side is needed for. Nothing when it cannot be decoded or has too many pixels. Throws
// std::bad_alloc only.
std::optional<ColourPicture> decode_colours(ByteView bytes, int side);

// At most width * height, in the picture's own shape; never enlarged. Nothing when it cannot be decoded or has too many
// pixels. Throws std::bad_alloc only.
std::optional<SmallPicture> decode_small(ByteView bytes, int width, int height);

}  // namespace qrx::vision
