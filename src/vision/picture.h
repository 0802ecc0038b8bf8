// A picture file by its first bytes, and what decoding it gives: gray pixels, or what is wrong with it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "vision/gray.h"

namespace qrx::vision {

// heif: HEIC or AVIF.
enum class PictureFormat : std::uint8_t { unknown, png, jpeg, webp, gif, bmp, svg, heif };

enum class PictureFault : std::uint8_t {
  none,
  unknown_format,
  unread_format,  // heif, and the system has no decoder for it
  damaged,        // nothing could be decoded
  too_large,      // over the limit of pixels
};

struct Picture {
  PictureFault fault = PictureFault::none;
  PictureFormat format = PictureFormat::unknown;
  Gray gray;             // transparent parts lie on white, or on black where all that is opaque is light
  bool complete = true;  // false: the file is cut short or broken behind what was decoded; the rest is one colour
};

inline constexpr std::uint64_t most_pixels = 100'000'000;

PictureFormat picture_format(ByteView bytes);

// May a picture of this size be decoded? Asked before memory is taken for it: sizes come from the file.
bool within_limit(std::uint64_t width, std::uint64_t height, std::uint64_t pixel_limit);

}  // namespace qrx::vision
